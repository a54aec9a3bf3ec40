@ratelimiter
Feature: The audit trail holds what happened, no more and no less
  Whoever answers for the system must be able to read afterwards what the agent thought, what it ran and
  what came of it. The records of the operator are compared with two witnesses that it cannot influence:
  the model it talked to, and the shell its commands ran in.

  Background:
    Given a rate limiter stack in its steady state

  @AUDIT-01.1 @AUDIT-01.2
  Scenario: The records of a repair agree with what the model and the shell saw
    Given the operator is watching, with no ticket open
    When counter "checkout" is pushed 5 over its limit of 10
    Then the agent works the ticket to its end
    And the session holds exactly what the model said and was told, in that order
    And the commands in the session are exactly those that ran in the shell
    And each command on record has its exit code, and each session its outcome

  @AUDIT-01.1 @AUDIT-01.2
  Scenario: Commands that fail, say nothing, or say it in another language are on record as they were
    Given a model that answers by this script:
      | it sees  | it says                              | it runs                          |
      | checkout | I count.                             | echo $((6 * 7))                  |
      | 42       | I look for something that is not.    | ls /no/such/place; exit 3        |
      | 3        | I do nothing.                        | true                             |
      |          | I speak Greek, and a little "shell". | printf 'γνῶθι\tσεαυτόν\n'; sh -c 'exit 5' |
      | σεαυτόν  | ESCALATED: I have only looked.       |                                  |
    And the agent is waiting alone, with no ticket open
    When counter "checkout" is pushed 5 over its limit of 10, and a ticket is placed for it
    Then the ticket is escalated within 20 seconds, for a reason that names only looked
    And the session holds exactly what the model said and was told, in that order
    And the commands in the session are exactly those that ran in the shell
    And the results on record have the exit codes 0, 3, 0 and 5
