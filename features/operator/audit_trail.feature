@ratelimiter
Feature: The audit trail is written as things happen
  A record that is written afterwards is a story; one that is written before each step is evidence, even of
  an agent that did not live to tell. So at every moment the records hold all that has been said and done
  up to it, in the order in which it happened.

  Background:
    Given a rate limiter stack in its steady state

  @AUDIT-01.1
  Scenario Outline: While <moment>, all that came before is on record
    When the agent is held on a ticket while <moment>
    Then its session still runs, has no outcome, and holds <entries>

    Examples:
      | moment                                      | entries                                   |
      | it waits for the model's first answer       | nothing                                   |
      | it runs a command                           | reasoning, tool call                      |
      | it waits for the model between two commands | reasoning, tool call, tool result         |

  @AUDIT-01.1
  Scenario: A session tells the whole story, in order
    Given an agent runs alone, with a model that tries one command, which fails, and then another
    When a ticket for counter "checkout" is placed in the database
    Then the agent works the ticket to its end
    And its session holds, in this order:
      | entry       | says                                  | exit status |
      | reasoning   | I try what I know.                    |             |
      | tool call   | echo so far                           |             |
      | tool result | so far                                | 3           |
      | reasoning   | That failed with 3; I look elsewhere. |             |
      | tool call   | echo here it is                       |             |
      | tool result | here it is                            | 0           |
      | reasoning   | RESOLVED: I found it elsewhere.       |             |
    And no entry is older than the one before it, and the session's beginning and end enclose them all
    And its outcome is on record as resolved: I found it elsewhere.

  @AUDIT-01.1
  Scenario: Of two commands asked for at once, each has its own result
    Given an agent runs alone, with a model that asks for two commands at once
    When a ticket for counter "checkout" is placed in the database
    Then the agent works the ticket to its end
    And its session holds both calls and both results, each result after its call:
      | says     | result | exit status |
      | echo one | one    | 1           |
      | echo two | two    | 2           |
