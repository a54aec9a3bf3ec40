@meta @tikv
Feature: The acceptance test of TiKV needs nobody, and leaves nothing
  Six nodes, a monitor, an agent and a model are more than anybody wants to start by hand, or to clean up
  after. Who types one command must get an answer, and the machine back as it was, however the test ends.

  @TEST-01.1
  Scenario: Nobody has to prepare anything
    When the acceptance test of the diagnosis of a lost store is run
    Then it ends green
    And it has started three PD members and three stores of its own

  @TEST-01.1
  Scenario: It joins a TiKV cluster that runs already
    Given a TiKV stack in its steady state
    And data was written to the cluster
    When the acceptance test of the diagnosis of a lost store joins that stack
    Then it ends green
    And it has started no node of its own
    And that stack runs on as it was found
    And the data written before can be read

  @TEST-01.3
  Scenario Outline: After <end> nothing is left
    When the acceptance test of the diagnosis of a lost store comes to <end> with a fault in place
    Then no process, no open port and no file of it is left but its reports

    Examples:
      | end                         |
      | its own end                 |
      | Ctrl-C                      |
      | a request to terminate      |
      | a closed terminal           |
      | a kill that it cannot catch |
