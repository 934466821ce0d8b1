// SPDX-License-Identifier: Apache-2.0
#include "config/keys.hpp"

#include <memory>
#include <utility>

#include "config/describe/process.hpp"

namespace fusewire::config {
namespace {

class Outline : public Visitor {
 public:
  void usual(Text key) { shape_.usual = key; }
  void short_for(Text key) { shape_.short_for = key; }
  void exactly_one(Text) { shape_.word_is_key = true; }

  template <class T, class Form>
  void key(Text name, T&, const Form& form, Text, Sample = {}) {
    add(name, form.shape());
  }
  void secret(Text name, std::string&, Text, Sample) { add(name, {}); }
  template <class Form>
  void by_hand(Text name, const Form& form, Text, Sample) {
    add(name, form.shape());
  }

  template <class T, class D = Described>
  void section(Text name, T& member, Text, const D& described = {}) {
    add(name, of(member, described));
  }
  template <class T>
  void optional(Text name, std::optional<T>&, Text, Sample = {}) {
    add(name, of_type<T>());
  }
  template <class T, class D = Described>
  void switchable(Text name, std::optional<T>&, T initial, Text, const D& described = {}) {
    Shape shape = of(initial, described);
    shape.off = true;
    add(name, std::move(shape));
  }
  template <class T>
  void items(Text name, std::vector<T>&, Text, Sample = {}, ListSize = {}) {
    add(name, {.kind = Shape::Kind::list, .item = std::make_shared<Shape>(of_type<T>())});
  }
  template <class T>
  void named(Text name, std::vector<T>&, Text, Text, Text) {
    add(name, {.kind = Shape::Kind::names, .item = std::make_shared<Shape>(of_type<T>())});
  }
  template <class T>
  void defaults_of(Text name, Text) {
    Shape shape = of_type<T>();
    shape.short_for = {};
    add(name, std::move(shape));
  }

  void later(Text name, Text accepts = {}) { shape_.keys.push_back({.name = name, .accepts = accepts}); }
  void only(Text name, Text, std::initializer_list<Text>, Text = {}) { add_unnamed(name, {}); }
  template <class D>
  void unbuilt(Text name, const D& described) {
    Outline inner;
    described(inner);
    add_unnamed(name, std::move(inner.shape_));
  }

  template <class T>
  static Shape of_type() {
    T section{};
    return of(section, Described{});
  }

 private:
  template <class T, class D>
  static Shape of(T& section, const D& described) {
    Outline inner;
    described(inner, section);
    return std::move(inner.shape_);
  }

  void add(Text name, Shape shape) {
    shape_.keys.push_back({.name = name, .shape = std::make_shared<Shape>(std::move(shape))});
  }
  // Takes only the value that says what is done today anyway: it passes, and is named nowhere.
  void add_unnamed(Text name, Shape shape) {
    add(name, std::move(shape));
    shape_.keys.back().named = false;
  }

  Shape shape_{.kind = Shape::Kind::map};
};

}  // namespace

const Shape& file_shape() {
  static const Shape kFile = Outline::of_type<Config>();
  return kFile;
}

const Shape& circuit_breaker_shape() {
  static const Shape kCircuitBreaker = Outline::of_type<CircuitBreaker>();
  return kCircuitBreaker;
}

}  // namespace fusewire::config
