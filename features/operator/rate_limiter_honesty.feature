@ratelimiter
Feature: What cannot be repaired is said, and what was not repaired is found out
  Not everything can be repaired by an agent. Then people must learn of it, with what was tried, so that
  they need not begin from nothing. And an agent may believe, or claim, that it has repaired what it has
  not. The monitor believes nobody: it looks.

  Background:
    Given a rate limiter stack in its steady state

  @DEMO-05.8
  Scenario: What the agent cannot repair it escalates, with what it tried
    Given the operator is watching, with no ticket open
    When counter "checkout" is pushed 5 over its limit of 10, and is filled again whenever it is reset
    Then the ticket is escalated within 20 seconds, for a reason that names checkout
    And the reason names what the agent tried
    And its session is recorded as escalated
    And all limits, other counters and nodes are as they were

  @DEMO-05.9
  Scenario: A repair that is claimed and did not happen is found out
    Given a model that first claims a repair it has not made, and repairs when it is asked again
    And the operator is watching, with no ticket open
    When counter "checkout" is pushed 5 over its limit of 10
    Then a ticket for counter "checkout" is open again within 2 checks of the claim
    And in the end counter "checkout" is repaired
