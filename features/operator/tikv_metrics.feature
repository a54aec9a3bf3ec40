@tikv
Feature: What only metrics tell is noticed where somebody keeps them
  PD knows which stores are there, not how long clients wait for them. That stands in the metrics of the
  stores. Where a Prometheus keeps them the monitor has to look there; where none does it must not guess.

  @DEMO-04
  Scenario: Slow stores are noticed
    Given a TiKV stack with a Prometheus, in its steady state
    And the monitor is watching alone, with no ticket open
    And clients read and update data all the time
    When the stores hear each other 90 milliseconds late
    Then the monitor reports the violation within 5 seconds of the stack showing it
    And one ticket is filed, for the part that is broken, because of high_latency
