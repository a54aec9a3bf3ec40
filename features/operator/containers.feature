@ratelimiter @docker
Feature: What only containers can suffer is noticed as well
  The clusters that people run are made of containers. A container can run and be cut off from everything, and
  a whole stack can be taken away and put up again.

  Scenario: A node that was taken off its network is noticed, once
    Given a rate limiter stack of containers in its steady state
    And the monitor is watching alone, with no ticket open
    When node "ratelimiter-2" is taken off its network
    Then the monitor reports the violation within 5 seconds of the stack showing it
    And one ticket is filed, for invariant node_down on node "ratelimiter-2"
    And no other ticket is filed during 3 checks

  Scenario: A node that was taken off its network is handed on
    Given a rate limiter stack of containers in its steady state
    And the operator is watching, with no ticket open
    When node "ratelimiter-2" is taken off its network
    Then the ticket is escalated within 60 seconds, its reason naming what is broken and what was tried
    And all limits, other counters and nodes are as they were

  Scenario: A stack that was taken down leaves nothing, and the next one is as new
    Given a rate limiter stack of containers in its steady state
    When the whole stack is taken down and started anew
    Then nothing of the old one is left
    And Redis and 3 rate limiter nodes are in their steady state
