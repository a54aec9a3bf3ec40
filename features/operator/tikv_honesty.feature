@tikv
Feature: What an operator of TiKV claims is looked at, and nobody tells it what to do
  An agent may believe, or claim, that it has repaired what it has not; the monitor believes nobody. And what
  is shown with a model that knows what to do says little of a real one, which is told neither what was broken
  nor what to do about it.

  Background:
    Given a TiKV stack in its steady state

  @DEMO-04.9
  Scenario: A repair that is claimed and did not happen is found out
    Given a model that first claims a repair it has not made, and repairs when it is asked again
    And the operator is watching, with no ticket open
    When store "tikv0" is killed
    Then a ticket for that store is open again within 2 checks of the claim
    And 3 PD members and 3 stores are in their steady state again within 30 seconds
    And 3 PD members and 3 stores are in their steady state

  @DEMO-04.11
  Scenario: A real model finds out what is wrong, repairs it, and nothing else
    Given a real model behind the agent
    And data was written to the cluster
    When store "tikv0" is killed
    Then the agent works the ticket to its end
    And before its first command that changes anything the agent ran one that only looks
    And its reasoning names what is broken, and what is wrong with it
    And all other nodes, stores and settings are as they were
    And 3 PD members and 3 stores are in their steady state
    And the data written before can be read
    And the ticket is resolved within 10 seconds
    And the repair came before the resolution
    And the violation stays cleared for 10 checks
    And one session on the ticket was resolved, its summary naming what was broken and what was done
