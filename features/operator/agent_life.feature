@ratelimiter
Feature: Monitor and agent start by themselves and wait for work
  Whoever starts an operator has nothing to prepare: the first process to come makes the database, and
  the others find it. What is not theirs they leave alone and say so. An agent that has nothing to do does
  nothing, and one that gets a ticket needs no monitor to work it.

  Background:
    Given a rate limiter stack in its steady state

  @DEMO-01.1
  Scenario Outline: The agent brings its own database when the file <state>
    Given a database that <state>
    When an agent is started alone
    Then it is ready, and has printed no error
    And the database holds tickets, audit sessions and their entries
    And the agent is waiting for tickets

    Examples:
      | state          |
      | does not exist |
      | is empty       |

  @DEMO-01.2
  Scenario Outline: Monitor and agent start <order>, on a database that <state>
    Given a database that <state>
    When monitor and agent are started <order>
    Then both are ready, and none has printed an error
    And the monitor's next 2 checks report that all is passing
    And the agent is waiting for tickets

    Examples:
      | order                                   | state          |
      | one after the other, the agent first    | is empty       |
      | one after the other, the monitor first  | is empty       |
      | at the same instant                     | is empty       |
      | at the same instant                     | does not exist |

  @DEMO-01.2
  Scenario: A monitor and four agents start at the same instant
    Given a database that does not exist
    When the monitor and four agents are started at the same instant
    Then all of them are ready, and none has printed an error
    And the monitor's next 2 checks report that all is passing

  @DEMO-01
  Scenario Outline: The <process> leaves alone a database that <state>
    Given a database that <state>
    When the <process> is started on it
    Then it ends by itself, with an error that names the database
    And the database is as it was

    Examples:
      | process | state                                         |
      | agent   | is a text                                     |
      | agent   | is that of another program                    |
      | agent   | is that of another program that sells tickets |
      | agent   | is damaged in the middle                      |
      | agent   | is cut off                                    |
      | monitor | is that of another program                    |
      | monitor | is damaged in the middle                      |

  @DEMO-02.1
  Scenario: An agent without a ticket waits, and nothing else
    Given an agent runs alone, with no ticket open
    When the agent has looked for tickets 10 times
    Then it is ready, and has printed no error
    And the agent is waiting for tickets
    And no model was called

  @DEMO-02.2
  Scenario: An agent that runs alone takes a ticket at once and works it to its end
    Given an agent runs alone, with no ticket open
    When counter "checkout" stands 5 over its limit of 10, and a ticket says so
    Then the agent has taken it within 1 second
    And the agent works the ticket to its end
    And counter "checkout" is within its limit of 10, in Redis and in the API
    And the ticket is resolved within 1 seconds

  @DEMO-05.4
  Scenario: A fault that heals itself while the agent is at work needs no repair
    Given the operator has found counter "checkout" over its limit, and the model keeps the agent waiting
    When counter "checkout" comes within its limit by itself
    Then the monitor's next 3 checks report that all is passing, and the ticket stays with the agent
    And when the model answers, the agent works the ticket to its end
    And the ticket is resolved within 1 seconds
    And the agent has changed nothing
    And all limits, other counters and nodes are as they were
