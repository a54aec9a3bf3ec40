@tikv
Feature: What is shown in seconds holds at the times of a real cluster
  A real store sends a heartbeat every ten seconds, and PD takes it for lost after twenty. That is too long to
  wait for in every run, so the other scenarios run a cluster whose clocks are faster. This one does not.

  @slow @DEMO-04.2 @DEMO-04.4 @DEMO-04.5
  Scenario: A lost store is brought back at real times
    Given a TiKV stack with the times of a real cluster, in its steady state
    And data was written to the cluster
    And the operator is watching with its own thresholds, with no ticket open
    When store "tikv0" is killed
    Then the monitor reports the violation within 5 seconds of the stack showing it
    And the agent works the ticket to its end
    And all other nodes, stores and settings are as they were
    And 3 PD members and 3 stores are in their steady state
    And the data written before can be read
    And the ticket is resolved within 10 seconds
    And the violation stays cleared for 10 checks
    And one session on the ticket was resolved, its summary naming what was broken and what was done
