@ratelimiter
Feature: The rate limiter demo runs end to end
  Redis and three rate limiter nodes allow each customer a number of requests within a window of time.
  When a counter stands above its limit, customers are refused who should not be. The operator has to
  notice that by itself, find out why, repair it with the least change, and leave a record that a
  person can follow.

  Background:
    Given a rate limiter stack in its steady state
    And the operator is watching, with no ticket open

  @DEMO-05.1
  Scenario: A healthy rate limiter is seen as healthy from the start
    When the monitor makes 3 checks
    Then each of them reports that all is passing
    And the agent is waiting for tickets
    And Redis and 3 rate limiter nodes are in their steady state

  @DEMO-05.3
  Scenario: The agent looks before it changes anything, and says what is wrong
    When counter "checkout" is pushed 5 over its limit of 10
    Then the agent works the ticket to its end
    And before its first command that changes anything the agent ran one that only looks
    And its reasoning names counter "checkout" and that it is over its limit

  @DEMO-05.4
  Scenario: The agent repairs the counter and touches nothing else
    When counter "checkout" is pushed 5 over its limit of 10
    Then the agent works the ticket to its end
    And all limits, other counters and nodes are as they were
    And counter "checkout" is within its limit of 10, in Redis and in the API
    And the change to counter "checkout" was made by a command of the agent
    And Redis and 3 rate limiter nodes are in their steady state

  @DEMO-05.5
  Scenario: The ticket is resolved by a repair that holds
    When counter "checkout" is pushed 5 over its limit of 10
    Then the ticket is resolved within 10 seconds
    And the repair came before the resolution
    And the violation stays cleared for 10 checks
    And one session on the ticket was resolved, its summary naming counter "checkout" and what was done
