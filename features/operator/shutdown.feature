@ratelimiter
Feature: The agent shuts down gracefully
  An operator that is told to stop takes everything with it that it has started. What it left running
  would go on changing the cluster with nobody watching.

  Background:
    Given a rate limiter stack in its steady state
    And the operator is watching, with no ticket open

  @DEMO-07.4
  Scenario Outline: Told to stop after a ticket, the <process> leaves nothing running
    Given the agent has worked a ticket for counter "checkout" to its end
    When the <process> is told to stop
    Then the <process> ends with status 0 within 2 seconds
    And no process of the <process> is left

    Examples:
      | process |
      | agent   |
      | monitor |
