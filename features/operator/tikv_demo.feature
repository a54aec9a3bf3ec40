@tikv
Feature: The TiKV demo runs end to end
  Three stores hold every piece of data in three copies, and three PD members know where it is. When a store
  is lost, the data is still there, but the next loss would hurt. The operator has to notice that by
  itself, find out which store and why, bring it back on its own data, and leave a record of it.

  Background:
    Given a TiKV stack in its steady state
    And the operator is watching, with no ticket open

  @DEMO-04.1
  Scenario: A healthy cluster is seen as healthy from the start
    When the monitor makes 3 checks
    Then each of them reports that all is passing
    And the agent is waiting for tickets
    And 3 PD members and 3 stores are in their steady state

  @DEMO-04.3
  Scenario: The agent looks before it changes anything, and says what is wrong
    When store "tikv0" is killed
    Then the agent works the ticket to its end
    And before its first command that changes anything the agent ran one that only looks
    And its reasoning names what is broken, and what is wrong with it

  @DEMO-04.4
  Scenario Outline: <fault>: the agent brings it back and touches nothing else
    Given data was written to the cluster
    When <fault>
    Then the agent works the ticket to its end
    And all other nodes, stores and settings are as they were
    And 3 PD members and 3 stores are in their steady state
    And the data written before can be read
    And the repair was made by a command of the agent

    Examples:
      | fault                    |
      | store "tikv0" is killed  |
      | store "tikv1" is stopped |
      | store "tikv2" is paused  |

  @DEMO-04.5
  Scenario: The ticket is resolved by a repair that holds
    When store "tikv0" is killed
    Then the ticket is resolved within 45 seconds
    And the repair came before the resolution
    And the violation stays cleared for 10 checks
    And one session on the ticket was resolved, its summary naming what was broken and what was done

  @DEMO-04.4 @DEMO-04.5
  Scenario: Two stores lost at once are two tickets, each with a session of its own
    Given data was written to the cluster
    When at once
      | fault                   |
      | store "tikv0" is killed |
      | store "tikv2" is killed |
    Then each of them has one ticket, resolved within 45 seconds by a session about that fault
    And 3 PD members and 3 stores are in their steady state
    And the data written before can be read

  @DEMO-04.4 @DEMO-04.5
  Scenario: A lost PD leader is brought back
    When the PD leader is killed
    Then the ticket is resolved within 45 seconds
    And all other nodes, stores and settings are as they were
    And 3 PD members and 3 stores are in their steady state
    And one session on the ticket was resolved, its summary naming what was broken and what was done

  @DEMO-04.4
  Scenario: A lost PD quorum is brought back
    When PD loses its quorum
    Then 3 PD members and 3 stores are in their steady state again within 60 seconds
    And every ticket is resolved
    And 3 PD members and 3 stores are in their steady state
    And all other nodes, stores and settings are as they were

  @DEMO-04.8
  Scenario: A store that cannot be brought back is handed on
    When store "tikv1" dies whenever it is started
    Then the ticket is escalated within 60 seconds, its reason naming what is broken and what was tried

  @DEMO-04.4
  Scenario: The workload dips with the fault and comes back
    Given clients read and update data all the time
    When store "tikv0" is killed
    Then the agent works the ticket to its end
    And 3 PD members and 3 stores are in their steady state
    And the workload dipped after the fault and is back at its level
    And no update that was acknowledged is lost
