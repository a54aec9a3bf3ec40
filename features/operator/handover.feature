@ratelimiter
Feature: No ticket is lost, and none is worked twice
  Agents die, and several of them may share the work. A ticket that was in the hands of a dead agent is
  taken up by a living one. A ticket in the hands of a living agent, however slow, belongs to it alone.

  Background:
    Given a rate limiter stack in its steady state

  @DEMO-07.2 @DEMO-07.4
  Scenario Outline: The next agent takes up the ticket of one that was killed while <moment>
    Given the agent is held on a ticket while <moment>
    When the agent is killed outright, and another agent is started
    Then the other agent works the ticket to its end
    And one session on it was resolved, and none is left running
    And no process of the agent is left

    Examples:
      | moment                                                             |
      | it waits for the model's first answer                              |
      | it waits for the model between two commands                        |
      | it runs a command that will not be stopped                         |
      | it runs a command that has started others in sessions of their own |
      | the model's conclusion is not on record yet                        |

  @DEMO-07.2
  Scenario: The next agent takes a ticket that came just before its predecessor was killed
    Given the agent is paused before a ticket is filed
    When the agent is killed outright, and another agent is started
    Then the other agent works the ticket to its end
    And one session on it was resolved, and none is left running

  @DEMO-07.2
  Scenario: A violation whose agent was killed is repaired by the next one, on the same ticket
    Given the operator has found counter "checkout" over its limit, and the model keeps the agent waiting
    When the agent is killed outright, and another agent is started
    Then the other agent works the ticket to its end
    And counter "checkout" is within its limit of 10, in Redis and in the API
    And all limits, other counters and nodes are as they were
    And no other ticket was filed

  @DEMO-07.3
  Scenario: An agent leaves alone the ticket that another one works
    Given the agent is held on a ticket while it waits for the model's first answer
    And a second agent is running
    When a second ticket is filed
    Then the second agent works the second ticket to its end
    And the first ticket is still with the agent
    And when the model answers, the agent works the first ticket to its end
    And each ticket was worked once

  @DEMO-07.3
  Scenario: An agent that is paused keeps its ticket
    Given the agent is held on a ticket while it runs a command
    And the agent is paused
    And a second agent is running
    When a second ticket is filed
    Then the second agent works the second ticket to its end
    And the first ticket is still with the agent

  @DEMO-07.3
  Scenario: The ticket of an agent that was killed is taken up by one of two others, not by both
    Given the agent is held on a ticket while it waits for the model's first answer
    And a second agent and a third agent are running
    When the agent is killed outright
    Then one of the others works the ticket to its end

  @DEMO-07.3
  Scenario: Two agents share twenty tickets
    Given two agents are running, with no ticket open
    When 20 tickets are filed at once
    Then all of them are worked to their end
    And each ticket was worked once
    And both agents have worked some of them
