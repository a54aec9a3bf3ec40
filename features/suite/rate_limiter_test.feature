@meta @ratelimiter
Feature: The acceptance test of the rate limiter needs nobody, and leaves nothing
  Who types one command must get an answer, on a cluster that the test starts itself or on one that runs
  already. However it ends, it leaves the machine as it found it.

  @TEST-02.1
  Scenario: Nobody has to prepare anything
    When the acceptance test of the repair is run
    Then it ends green
    And it has started Redis and three rate limiter nodes of its own

  @TEST-02.1
  Scenario: It joins a rate limiter that runs already
    Given a rate limiter stack in its steady state
    When the acceptance test of the repair joins that stack
    Then it ends green
    And it has started no node of its own
    And that stack runs on as it was found

  @TEST-02.3
  Scenario Outline: After <end> nothing is left
    When the acceptance test of the repair comes to <end> with a fault in place
    Then no process, no open port and no file of it is left but its reports

    Examples:
      | end                         |
      | its own end                 |
      | Ctrl-C                      |
      | a request to terminate      |
      | a closed terminal           |
      | a kill that it cannot catch |
