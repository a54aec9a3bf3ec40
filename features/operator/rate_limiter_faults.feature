@ratelimiter
Feature: Every fault of the rate limiter is found and repaired
  Nodes die, hang and lose their way; Redis does; what Redis holds is wrong. Whatever it is, the operator
  has to find it within seconds, name it, repair just that, and say what it did. What it cannot repair it
  hands on to people, with what it tried.

  @DEMO-05.2
  Scenario Outline: <fault>: it is noticed, once
    Given a rate limiter stack in its steady state
    And the monitor is watching alone, with no ticket open
    When <fault>
    Then the monitor reports the violation within 5 seconds of the stack showing it
    And one ticket is filed, for invariant <invariant> on <part>
    And no other ticket is filed during <checks> checks

    Examples: What Redis holds
      | fault                                                                 | invariant      | part               | checks |
      | key "checkout" has a limit of 0 and is allowed all the same           | ghost_allowing | key "checkout"     | 10     |
      | the nodes count 8 requests for "checkout", limit 10, in a wrong Redis | counter_drift  | counter "checkout" | 10     |

    Examples: Nodes
      | fault                                            | invariant | part                 | checks |
      | node "ratelimiter-1" is killed                   | node_down | node "ratelimiter-1" | 10     |
      | node "ratelimiter-2" is stopped                  | node_down | node "ratelimiter-2" | 10     |
      | node "ratelimiter-3" is paused                   | node_down | node "ratelimiter-3" | 3      |
      | node "ratelimiter-2" dies whenever it is started | node_down | node "ratelimiter-2" | 3      |

    Examples: Redis, and the way to it
      | fault                                      | invariant          | part                   | checks |
      | Redis is killed                            | redis_disconnected | the whole rate limiter | 10     |
      | Redis is paused                            | redis_disconnected | the whole rate limiter | 3      |
      | node "ratelimiter-2" is cut off from Redis | redis_disconnected | the whole rate limiter | 20     |

  @DEMO-05.3
  Scenario Outline: <fault>: the agent looks, and says what is wrong
    Given a rate limiter stack in its steady state
    And the operator is watching, with no ticket open
    When <fault>
    Then the agent works the ticket to its end
    And before its first command that changes anything the agent ran one that only looks
    And its reasoning names what is broken, and what is wrong with it

    Examples:
      | fault                                                                 |
      | key "checkout" has a limit of 0 and is allowed all the same           |
      | the nodes count 8 requests for "checkout", limit 10, in a wrong Redis |
      | node "ratelimiter-2" is killed                                        |
      | Redis is killed                                                       |
      | node "ratelimiter-2" is cut off from Redis until it is restarted      |

  @DEMO-05.4
  Scenario Outline: <fault>: the agent repairs that and nothing else
    Given a rate limiter stack in its steady state
    And the operator is watching, with no ticket open
    When <fault>
    Then the agent works the ticket to its end
    And Redis and 3 rate limiter nodes are in their steady state
    And all limits, other counters and nodes are as they were
    And what was broken is whole again, as the stack itself shows
    And the repair was made by a command of the agent

    Examples:
      | fault                                                                 |
      | key "checkout" has a limit of 0 and is allowed all the same           |
      | the nodes count 8 requests for "checkout", limit 10, in a wrong Redis |
      | node "ratelimiter-1" is killed                                        |
      | node "ratelimiter-2" is stopped                                       |
      | node "ratelimiter-3" is paused                                        |
      | Redis is killed                                                       |
      | Redis is stopped                                                      |
      | Redis is paused                                                       |
      | node "ratelimiter-2" is cut off from Redis until it is restarted      |

  @DEMO-05.5
  Scenario Outline: <fault>: the ticket is resolved by a repair that holds
    Given a rate limiter stack in its steady state
    And the operator is watching, with no ticket open
    When <fault>
    Then the ticket is resolved within 15 seconds
    And the repair came before the resolution
    And the violation stays cleared for 10 checks
    And one session on the ticket was resolved, its summary naming what was broken and what was done

    Examples:
      | fault                                                                 |
      | key "checkout" has a limit of 0 and is allowed all the same           |
      | the nodes count 8 requests for "checkout", limit 10, in a wrong Redis |
      | node "ratelimiter-2" is killed                                        |
      | Redis is killed                                                       |
      | node "ratelimiter-2" is cut off from Redis until it is restarted      |

  @DEMO-05.4 @DEMO-05.5
  Scenario: Two faults at once are two tickets, each with a session of its own
    Given a rate limiter stack in its steady state
    And the operator is watching, with no ticket open
    When at once
      | fault                                               |
      | counter "checkout" is pushed 5 over its limit of 10 |
      | node "ratelimiter-2" is killed                      |
    Then each of them has one ticket, resolved within 15 seconds by a session about that fault
    And Redis and 3 rate limiter nodes are in their steady state
    And all limits, other counters and nodes are as they were
    And what was broken is whole again, as the stack itself shows

  @DEMO-05.8
  Scenario Outline: <fault>: what cannot be repaired is handed on
    Given a rate limiter stack in its steady state
    And the operator is watching, with no ticket open
    When <fault>
    Then the ticket is escalated within 15 seconds, its reason naming what is broken and what was tried
    And all limits, other counters and nodes are as they were

    Examples:
      | fault                                            |
      | node "ratelimiter-2" dies whenever it is started |
      | node "ratelimiter-2" is cut off from Redis       |

  @DEMO-05.6
  Scenario Outline: <trouble>: what the rate limiter gets over by itself raises no ticket
    Given a rate limiter stack in its steady state
    And the monitor is watching alone, with no ticket open
    When <trouble>
    Then the monitor reports within 5 seconds that all is passing
    And no ticket is filed

    Examples:
      | trouble                                            |
      | all connections are reset                          |
      | everything takes 20 milliseconds longer on its way |
