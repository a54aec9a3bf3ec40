@ratelimiter @slow
Feature: Faults of the rate limiter by the operator's own thresholds
  Some violations are such only when they last. Elsewhere the operator is told to wait less; here it waits
  as long as it does in earnest.

  @DEMO-05.2
  Scenario: A counter on which the API and Redis differ is reported after half a minute, and not before
    Given a rate limiter stack in its steady state
    And the monitor is watching alone with its own thresholds, with no ticket open
    When the nodes count 8 requests for "checkout", limit 10, in a wrong Redis
    Then no ticket is filed within 25 seconds
    And one ticket is filed within 10 seconds, for invariant counter_drift on counter "checkout"
