@ratelimiter
Feature: The demo's agent panel shows what the agent prints
  People watch the demo to see an agent think and act. What its panel shows must be what the agent prints: at
  once, all of it, as it is, whatever it prints and however large the terminal is. Beside the demo, the suite
  hears every byte that monitor and agent print, and holds the panel against that.

  Background:
    Given a rate limiter stack in its steady state

  @DEMO-06.1 @DEMO-06.2
  Scenario: A line is on the panel as soon as it is printed
    Given a model that answers by this script:
      | it sees  | it says                         | it runs                 |
      | checkout | First I count with my fingers.  | echo $((3 + 4)) geese   |
      | 7 geese  | Now I count with care.          | echo $((4 + 4)) geese   |
      | 8 geese  | ESCALATED: I only count geese.  |                         |
    And the demo is shown on a terminal of 140 by 45
    When the presenter leads it until the agent has done with the ticket
    Then every line that the agent printed was on the agent panel within 1 second
    And the agent panel shows readiness, ticket, reasoning, tool call and tool result, in this order

  @DEMO-06.3 @DEMO-06.2
  Scenario Outline: <what> is shown as it is, and breaks nothing
    Given the demo is shown on a terminal of 80 by 24, with an agent that prints <what>
    When all that the agent prints has been printed
    Then every panel's title and border is whole
    And scrolled back to its beginning, the agent panel shows all that the agent printed, as it is

    Examples:
      | what                       |
      | what looks like markup     |
      | colour codes               |
      | what moves the cursor      |
      | wide characters            |
      | a line of 5,000 characters |

  @DEMO-06.4
  Scenario: A flood of output and a terminal of any size break nothing
    Given the demo is shown on a terminal of 80 by 24, with an agent that will flood it
    When the terminal is given these sizes while 10,000 lines flow:
      | size      |
      | 40 by 10  |
      | 132 by 50 |
      | 40 by 10  |
      | 80 by 24  |
    Then every panel's title and border were whole at each size
    And keys answer: the agent panel goes to its first line and back to its last

  @DEMO-06.5
  Scenario Outline: When the agent has died, the panel says so: <how>
    Given the demo is shown on a terminal of 80 by 24, with an agent that dies with <how>
    Then the agent panel says that the agent has ended, with <how>
    And every panel's title and border is whole

    Examples:
      | how      |
      | status 3 |
      | SIGKILL  |

  @DEMO-06.5
  Scenario: When the monitor is killed, its panel says so
    Given the demo is shown on a terminal of 80 by 24
    When the monitor of the demo is killed
    Then the monitor panel says that the monitor has ended, with SIGKILL
    And every panel's title and border is whole
