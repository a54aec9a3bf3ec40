@meta @ratelimiter @TEST-02.2
Feature: The acceptance test of the rate limiter notices a bad operator
  A test that everybody passes proves nothing. So it is put before operators that are bad on purpose, and
  must fail each of them, naming the criterion and what it has seen.

  Scenario Outline: A <bad operator> fails <criterion>
    When the acceptance test of criterion <criterion> meets a <bad operator>
    Then it ends red
    And it names criterion <criterion>, and has seen "<seen>"

    Examples:
      | bad operator        | criterion | seen                                           |
      | blind monitor       | DEMO-05.2 | it did not happen                              |
      | blind monitor       | DEMO-05.5 | there was no ticket                            |
      | flushing model      | DEMO-05.4 | counter search was 3 and is gone               |
      | lying model         | DEMO-05.4 | but: was <15>                                  |
      | lying model         | DEMO-05.5 | nothing changed the stack after the fault      |
      | limit-raising model | DEMO-05.4 | limit of checkout was limit 10                 |
      | leaving agent       | DEMO-07.4 | processes that the agent started               |
