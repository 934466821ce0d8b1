# SPDX-License-Identifier: Apache-2.0
"""Says which requests could have been answered well, by one who knows every endpoint's state; README.md has the definition in words."""


class Oracle:
    def __init__(self, lives, requests, arrivals_by_id, cacheable):
        """`requests` are all that went to the upstream with these `lives`."""
        self.lives = lives
        self.arrivals = arrivals_by_id
        self.first_good = {}  # by key: when the first good answer had been given, which a cache could keep
        if cacheable:
            for one in requests:
                if one.good and one.done < self.first_good.get(one.key, float("inf")):
                    self.first_good[one.key] = one.done

    def could_reach(self, request):
        """Whether an endpoint would have answered, had the request been sent to it when it was due."""
        return any(life.can_serve(request.due) for life in self.lives)

    def was_spent(self, request):
        """Whether it is a POST that reached an endpoint and was not answered well there. Nobody may send it again."""
        return request.method == "P" and any(one.end != "+" for one in self.arrivals.get(request.id, ()))

    def could_answer(self, request):
        if self.first_good.get(request.key, float("inf")) < request.due:
            return True
        return self.could_reach(request) and not self.was_spent(request)
