@ratelimiter
Feature: A model that misbehaves costs at most one ticket
  The agent thinks with a model that somebody else runs. That model may be overloaded, cut off, slow, or
  answer nonsense. What passes, the agent gets over by itself. What does not pass, it hands to people with
  the reason, changes nothing on the way, stays alive, and works the next ticket as if nothing had been.

  Background:
    Given a rate limiter stack in its steady state

  @AUDIT-01.2
  Scenario Outline: What passes is got over: a model that <lapses>
    Given an operator with these limits:
      | limit          | value |
      | answer seconds | 1     |
    And a model that <lapses> once, and then works the ticket
    And the agent is waiting alone, with no ticket open
    When counter "checkout" is pushed 5 over its limit of 10, and a ticket is placed for it
    Then the ticket is resolved within 20 seconds
    And each answer that went wrong was asked for again
    And the session holds exactly what the model said and was told, in that order
    And the commands in the session are exactly those that ran in the shell

    Examples:
      | lapses                                 |
      | is overloaded (529)                    |
      | fails inside (500)                     |
      | resets the connection                  |
      | never answers                          |
      | breaks off in the middle of its answer |

  @AUDIT-01.2
  Scenario: A model that limits the rate is given the time it asks for
    Given a model that limits the rate (429) once, and then works the ticket
    And the agent is waiting alone, with no ticket open
    When counter "checkout" is pushed 5 over its limit of 10, and a ticket is placed for it
    Then the ticket is resolved within 20 seconds
    And the model was asked again 1 seconds later or more

  @AUDIT-01.2
  Scenario Outline: What passes is answered: a model that <lapses>
    Given a model that <lapses> once, and then works the ticket
    And the agent is waiting alone, with no ticket open
    When counter "checkout" is pushed 5 over its limit of 10, and a ticket is placed for it
    Then the ticket is resolved within 20 seconds
    And the session holds exactly what the model said and was told, in that order
    And the commands in the session are exactly those that ran in the shell

    Examples:
      | lapses                                       |
      | asks only for a tool that it was not offered |
      | calls its tool with senseless arguments      |

  @AUDIT-01.3
  Scenario Outline: What does not pass is handed to people: a model that <misbehaves>
    Given an operator with these limits:
      | limit          | value |
      | answer seconds | 1     |
      | answer retries | 1     |
      | ticket seconds | 4     |
      | ticket replies | 5     |
    And a model that <misbehaves>, as long as the ticket for counter "checkout" is worked
    And the agent is waiting alone, with no ticket open
    When counter "checkout" is pushed 5 over its limit of 10, and a ticket is placed for it
    Then the ticket is escalated within 20 seconds, for a reason that names <reason>
    And its session is recorded as <ending>
    And nothing was changed by the agent
    And the agent works the next ticket to its end

    Examples:
      | misbehaves                                         | reason              | ending    |
      | is overloaded (529)                                | 529 or overloaded   | failed    |
      | limits the rate (429)                              | 429 or rate limit   | failed    |
      | fails inside (500)                                 | 500 or server error | failed    |
      | refuses connections                                | connect             | failed    |
      | resets the connection                              | connect             | failed    |
      | never answers                                      | time                | failed    |
      | answers a byte at a time                           | time or longer than | failed    |
      | breaks off in the middle of its answer             | connect             | failed    |
      | answers what is no JSON                            | JSON                | failed    |
      | asks only for a tool that it was not offered       | replies             | failed    |
      | calls its tool with senseless arguments            | replies             | failed    |
      | refuses the task                                   | refuse              | escalated |
      | is cut off in the middle of a sentence             | max_tokens          | failed    |
      | asks for one command after the other without end   | replies             | failed    |
      | uses more tokens than a ticket may cost            | tokens              | failed    |
