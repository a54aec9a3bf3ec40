@tikv
Feature: What is wrong with a TiKV cluster is noticed, and nothing else
  The monitor sees the cluster as PD does. It has to say which store is lost as soon as PD knows, and to keep
  silent when PD merely changes its leader or is restarted as planned. No agent is at work here.

  Background:
    Given a TiKV stack in its steady state
    And the monitor is watching alone, with no ticket open

  @DEMO-04.2
  Scenario Outline: <fault>: it is noticed, once
    When <fault>
    Then the monitor reports the violation within 5 seconds of the stack showing it
    And one ticket is filed, for that store
    And no other ticket is filed during 5 checks

    Examples:
      | fault                                     |
      | store "tikv0" is killed                   |
      | store "tikv1" is stopped                  |
      | store "tikv2" is paused                   |
      | store "tikv1" dies whenever it is started |

  @DEMO-04.6
  Scenario: A healthy cluster raises no ticket
    When the monitor makes 10 checks
    Then each of them reports that all is passing
    And no ticket is filed

  @DEMO-04.6
  Scenario Outline: <event>: no ticket is filed
    When <event>, while the monitor makes 20 checks
    Then the last of them reports that all is passing
    And no ticket is filed

    Examples:
      | event                          |
      | PD changes its leader          |
      | the PD leader is restarted     |
      | a PD follower is restarted     |

  @DEMO-04.2
  Scenario Outline: <fault>: it is noticed, once, though the data is there
    Given data was written to the cluster
    When <fault>
    Then the monitor reports the violation within 5 seconds of the stack showing it
    And one ticket is filed, for the part that is broken, because of <invariant>
    And the data written before can be read

    Examples:
      | fault                                         | invariant      |
      | store "tikv2" is cut off from PD              | store_down     |
      | the disk of store "tikv0" is 80 percent full  | low_disk_space |
      | a PD follower is killed                       | pd_member_down |
      | the PD leader is killed                       | pd_member_down |

  @DEMO-04.2
  Scenario: PD without a quorum is noticed
    When PD loses its quorum
    Then the monitor reports the violation within 5 seconds of the stack showing it
    And one ticket is filed for each lost member, and one for the missing leader

  @DEMO-04.6
  Scenario Outline: <trouble>: what the cluster bears raises no ticket
    Given data was written to the cluster
    When <trouble>
    Then the monitor makes 5 checks, and all of them pass
    And no ticket is filed
    And the data written before can be read

    Examples:
      | trouble                                    |
      | store "tikv1" is cut off from its peers    |
      | store "tikv1" answers 50 milliseconds late |

  @DEMO-04.7
  Scenario: A monitor that cannot see the cluster says so
    Given the monitor has filed a ticket for store "tikv1", which stays lost
    When the operator is cut off from PD
    Then the monitor says within 5 seconds that it cannot see
    And none of its next 3 checks reports that all is passing
    And the ticket stays as it was, and no other is filed
