@meta @ratelimiter @TEST-02.2
Feature: The acceptance test of the rate limiter notices a bad operator
  A test that everybody passes proves nothing. So it is put before operators one part of which is bad on
  purpose, and must fail each of them, naming the criterion and what it has seen.

  Scenario Outline: A <bad operator> fails <criterion>
    When the acceptance test of criterion <criterion> meets a <bad operator>
    Then it ends red
    And it names criterion <criterion>, and has seen "<seen>"

    Examples:
      | bad operator    | criterion  | seen                                             |
      | blind monitor   | DEMO-05.2  | it did not happen                                |
      | leaving agent   | DEMO-07.4  | processes that the agent started                 |
      | lying model     | DEMO-05.4  | but: was <15>                                    |
      | pretending demo | DEMO-05.10 | expected: the frame of the cluster panel was red |
