# SPDX-License-Identifier: Apache-2.0
# The image holds one stripped binary and the shared libraries it loads: no shell, no package manager, any user id.
FROM debian:bookworm-slim AS build
WORKDIR /source
COPY docker/install-build-deps.sh docker/
RUN docker/install-build-deps.sh build && rm -rf /var/lib/apt/lists/*
COPY CMakeLists.txt CMakePresets.json ./
COPY config config
COPY filters filters
COPY proxy proxy
COPY examples/embed examples/embed
COPY packaging packaging
COPY docker/collect-runtime.sh docker/
RUN cmake --preset release -DFUSEWIRE_TESTS=OFF -DFUSEWIRE_BENCH=OFF \
 && cmake --build --preset release --target fusewire \
 && docker/collect-runtime.sh build/release/fusewire /image

FROM scratch
COPY --from=build /image /
COPY docker/default.yaml /etc/fusewire/fusewire.yaml
# Named here, so that `status` and the health check find the admin address of the file that is served.
ENV FUSEWIRE_CONFIG=/etc/fusewire/fusewire.yaml
USER 65532:65532
# 8080 traffic · 9901 admin (loopback of the container) · 9902 probes and metrics
EXPOSE 8080 9902
HEALTHCHECK --interval=10s --timeout=2s --start-period=5s --retries=3 CMD ["/usr/local/bin/fusewire", "status", "--ready"]
ENTRYPOINT ["/usr/local/bin/fusewire"]
CMD ["run"]
