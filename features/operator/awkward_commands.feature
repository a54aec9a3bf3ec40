@ratelimiter
Feature: A command that goes wrong costs no more than itself
  A model asks for commands without knowing how they end. Whatever they do, the agent gets over it, writes
  down what came of it, leaves nothing of it running, and works the next ticket.

  Background:
    Given a rate limiter stack in its steady state

  @AUDIT-01.1 @DEMO-02
  Scenario Outline: A command that <does>
    Given an agent runs alone, with a model that asks for a command that <does>
    When a ticket for counter "checkout" is placed in the database, and then one for counter "search"
    Then both tickets are worked to their end
    And the first session holds the call of that command, and that it ended with <status>
    And nothing that the command started is left running

    Examples:
      | does                                                   | status   |
      | never ends                                             | an error |
      | prints without end                                     | an error |
      | prints a million lines                                 | status 0 |
      | prints what is no text                                 | status 0 |
      | waits for input                                        | status 0 |
      | starts processes that start processes, and leaves them | status 0 |
      | leaves a process in a session of its own               | status 0 |
      | kills its own shell                                    | an error |
      | kills the process that started it                      | an error |
