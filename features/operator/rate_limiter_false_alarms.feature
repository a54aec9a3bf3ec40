@ratelimiter
Feature: What is in order raises no alarm
  Customers who use what they are allowed, and customers who are refused because they want more, are
  both as it should be. An operator that cried wolf would soon be read by nobody.

  Background:
    Given a rate limiter stack in its steady state
    And the monitor is watching alone, with no ticket open

  @DEMO-05.6
  Scenario: Healthy traffic up to the limit raises no ticket
    When clients use counter "checkout" up to its limit of 20, while the monitor makes 10 checks
    Then each of them reports that all is passing
    And no ticket is filed

  @DEMO-05.6
  Scenario: Bursts that are refused raise no ticket
    When clients send bursts of 60 requests to counter "checkout" with its limit of 20, while the monitor makes 10 checks
    Then 20 requests were allowed and the others were refused
    And each of the checks reports that all is passing
    And no ticket is filed
