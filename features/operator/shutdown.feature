@ratelimiter
Feature: The agent shuts down gracefully
  An operator that is told to stop says so in its records, and takes everything with it that it has
  started. What it left running would go on changing the cluster with nobody watching.

  Background:
    Given a rate limiter stack in its steady state

  @DEMO-07.1 @DEMO-07.4
  Scenario Outline: Sent <signal> while <moment>, the agent says so in the records and leaves nothing running
    Given the agent is held on a ticket while <moment>
    When the agent is sent <signal>
    Then the agent ends with status 0 within 2 seconds
    And session and ticket are escalated, and name <signal>
    And no process of the agent is left

    Examples:
      | signal  | moment                                                             |
      | SIGTERM | it waits for the model's first answer                              |
      | SIGINT  | it waits for the model's first answer                              |
      | SIGTERM | it waits for the model between two commands                        |
      | SIGTERM | it runs a command that will not be stopped                         |
      | SIGINT  | it runs a command that will not be stopped                         |
      | SIGTERM | it runs a command that has started others in sessions of their own |

  @DEMO-07.1 @DEMO-07.4
  Scenario Outline: Sent <signal> when a ticket has just come, the agent has either not begun it or says so
    Given the agent is paused before a ticket is filed
    When the agent is sent <signal>
    Then the agent ends with status 0 within 2 seconds
    And the ticket is still open, or it is escalated and names <signal>
    And no process of the agent is left

    Examples:
      | signal  |
      | SIGTERM |
      | SIGINT  |

  @DEMO-07.1 @DEMO-07.4
  Scenario Outline: Sent <signal> before a conclusion is on record, the agent records it or says that it was stopped
    Given the agent is held on a ticket while the model's conclusion is not on record yet
    When the agent is sent <signal>
    Then the agent ends with status 0 within 2 seconds
    And the ticket is resolved, or it is escalated and names <signal>
    And no process of the agent is left

    Examples:
      | signal  |
      | SIGTERM |
      | SIGINT  |

  @DEMO-07.1
  Scenario: A ticket that an agent escalated because it was told to stop is worked by another one
    Given the operator has found counter "checkout" over its limit, and the model keeps the agent waiting
    When the agent is told to stop, and another agent is started
    Then the ticket comes to the other agent, which works it to its end
    And counter "checkout" is within its limit of 10, in Redis and in the API

  @DEMO-07.4
  Scenario Outline: Told to stop after a ticket, the <process> leaves nothing running
    Given the operator is watching, with no ticket open
    And the agent has worked a ticket for counter "checkout" to its end
    When the <process> is told to stop
    Then the <process> ends with status 0 within 2 seconds
    And no process of the <process> is left

    Examples:
      | process |
      | agent   |
      | monitor |

  @DEMO-07.4
  Scenario Outline: Sent <signal>, the monitor leaves nothing running
    Given the monitor is watching alone, with no ticket open
    When the monitor is sent <signal>
    Then no process of the monitor is left

    Examples:
      | signal  |
      | SIGTERM |
      | SIGINT  |
      | SIGKILL |
