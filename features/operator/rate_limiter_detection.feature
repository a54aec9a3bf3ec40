@ratelimiter
Feature: What is wrong with the rate limiter is noticed
  The monitor looks at the rate limiter again and again. What it finds wrong it writes down once, as a
  ticket that says what is wrong and where. No agent is at work here, so nothing is repaired and the
  violation stays: one ticket must do, however often it is seen.

  Background:
    Given a rate limiter stack in its steady state
    And the monitor is watching alone, with no ticket open

  @DEMO-05.2
  Scenario: A counter over its limit is noticed, once
    When counter "checkout" is pushed 5 over its limit of 10
    Then the monitor reports the violation within 5 seconds of the stack showing it
    And one ticket is filed, for invariant over_limit on counter "checkout"
    And no other ticket is filed during 5 checks
