@ratelimiter
Feature: A real model needs no playbook
  Everything else here is shown with a stand-in that knows what to do. Here nobody knows: a real model is
  given the ticket and a shell, and is told neither what was broken nor what to do about it.

  Background:
    Given a rate limiter stack in its steady state
    And a real model behind the agent

  @DEMO-05.11
  Scenario: A real model finds out what is wrong, repairs it, and nothing else
    When counter "checkout" is pushed 5 over its limit of 10
    Then the agent works the ticket to its end
    And before its first command that changes anything the agent ran one that only looks
    And its reasoning names counter "checkout" and that it is over its limit
    And the change to counter "checkout" was made by a command of the agent
    And all limits, other counters and nodes are as they were
    And counter "checkout" is within its limit of 10, in Redis and in the API
    And the ticket is resolved within 10 seconds
    And the repair came before the resolution
    And the violation stays cleared for 10 checks
    And one session on the ticket was resolved, its summary naming counter "checkout" and what was done
