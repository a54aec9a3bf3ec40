@ratelimiter
Feature: A monitor that cannot see says so
  A monitor that has lost its way to the rate limiter knows nothing. It must not take that for health,
  nor for the end of a violation that it saw before, nor for a fault of the rate limiter itself.

  Background:
    Given a rate limiter stack in its steady state
    And the monitor is watching alone, with no ticket open

  @DEMO-05.7
  Scenario Outline: Cut off from <what>, which <how>
    Given the monitor has filed a ticket for counter "checkout", which stays over its limit
    When the operator is cut off from <what>, which <how>
    Then the monitor says within 5 seconds that it cannot see
    And none of its next <checks> checks reports that all is passing
    And the ticket stays as it was, and no other is filed

    Examples:
      | what    | how        | checks |
      | the API | is silent  | 3      |
      | the API | refuses it | 10     |
      | Redis   | is silent  | 3      |
      | Redis   | refuses it | 10     |
      | both    | is silent  | 3      |
      | both    | refuses it | 10     |

  @DEMO-05.7
  Scenario: A counter that cannot be read is not taken for a good one, and hides no other
    Given the monitor has filed a ticket for counter "checkout", which stays over its limit
    When what lies in the place of counter "basket" is no counter
    Then none of its next 10 checks reports that all is passing
    And the ticket stays as it was, and no other is filed
