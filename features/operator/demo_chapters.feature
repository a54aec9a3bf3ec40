Feature: The demo can be led by anybody, from its first chapter to its last
  A presenter presses one key, again and again. The demo breaks a cluster, the operator repairs it, and the
  people who watch see both. Nobody can lead it out of its order, it starts clean whatever an earlier one left,
  and whoever leaves it gets a clean terminal back.

  @ratelimiter @DEMO-05.10 @DEMO-06.2 @DEMO-08.1
  Scenario: The demo of a rate limiter is played to its last chapter
    Given a rate limiter stack in its steady state
    And the demo is shown on a terminal of 80 by 24
    When the presenter leads it to its end
    Then the chapters came in their order, and none was skipped
    And while the fault was in place, the cluster panel was red
    And the demo's ticket is resolved
    And the workload panel shows throughput, and the cluster panel nothing red
    And the stack is in its steady state, as the suite itself sees it
    And scrolled back to its beginning, the agent panel shows all that the agent printed, as it is

  @tikv @DEMO-04.10 @DEMO-08.1
  Scenario: The demo of a TiKV cluster is played to its last chapter
    Given a TiKV stack in its steady state
    And the demo is shown on a terminal of 140 by 45
    When the presenter leads it to its end
    Then the chapters came in their order, and none was skipped
    And while the fault was in place, the cluster panel was red
    And the demo's ticket is resolved
    And the workload panel shows throughput, and the cluster panel nothing red
    And the stack is in its steady state, as the suite itself sees it

  @ratelimiter @DEMO-08.2
  Scenario Outline: Left in "<chapter>" by <way>, it leaves nothing
    Given a model that keeps the first who ask waiting for ever
    And the demo of a rate limiter is shown, on a stack of its own
    When the presenter leads it to "<chapter>" and leaves by <way>
    Then the demo has ended, and no process of it is left
    And the terminal is as it was before

    Examples:
      | chapter         | way               |
      | Welcome         | q                 |
      | Welcome         | a closed terminal |
      | Cluster health  | SIGTERM           |
      | Load            | Ctrl-C            |
      | Fault injection | a closed terminal |
      | Detection       | Ctrl-C            |
      | Remediation     | q                 |
      | Remediation     | a closed terminal |

  @ratelimiter @DEMO-08.2
  Scenario Outline: Left in "<chapter>" by <way>, it leaves nothing, once all is repaired
    Given the demo of a rate limiter is shown, on a stack of its own
    When the presenter leads it to "<chapter>" and leaves by <way>
    Then the demo has ended, and no process of it is left
    And the terminal is as it was before

    Examples:
      | chapter  | way     |
      | Recovery | SIGTERM |
      | Complete | q       |

  @tikv @DEMO-08.2
  Scenario: A demo of a TiKV cluster that is left with a store down leaves nothing
    Given a model that keeps the first who ask waiting for ever
    And the demo of a TiKV cluster is shown, on a stack of its own
    When the presenter leads it to "Remediation" and leaves by SIGTERM
    Then the demo has ended, and no process of it is left
    And the terminal is as it was before

  @ratelimiter @DEMO-03.1
  Scenario: A demo of a rate limiter that crashed leaves nothing to the next
    Given a rate limiter stack in its steady state
    And a model that keeps the first who ask waiting for ever
    And the demo is shown on a terminal of 80 by 24
    When a demo crashes with its fault in place, and the next one is shown
    Then the next demo comes to a healthy cluster, with no ticket and no violation of the earlier one

  @tikv @DEMO-03.1
  Scenario: A demo of a TiKV cluster that crashed leaves nothing to the next
    Given a TiKV stack in its steady state
    And a model that keeps the first who ask waiting for ever
    And the demo is shown on a terminal of 80 by 24
    When a demo crashes with its fault in place, and the next one is shown
    Then the next demo comes to a healthy cluster, with no ticket and no violation of the earlier one
