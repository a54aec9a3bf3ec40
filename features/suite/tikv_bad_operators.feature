@meta @tikv @TEST-01.2
Feature: The acceptance test of TiKV notices a bad operator
  A cluster can be made to look well in many ways: by removing what is lost, by making it well for a moment, by
  not looking. None of them is a repair. The test is put before operators one part of which is bad on purpose,
  and must fail each of them, naming the criterion and what it has seen.

  Scenario Outline: A <bad operator> fails <criterion>
    When the acceptance test of criterion <criterion> meets a <bad operator>
    Then it ends red
    And it names criterion <criterion>, and has seen "<seen>"

    Examples:
      | bad operator         | criterion  | seen                                             |
      | forgiving monitor    | DEMO-04.7  | , resolved                                       |
      | relapsing agent      | DEMO-04.5  | what is wrong again at check                     |
      | store-removing model | DEMO-04.4  | store tikv0 is Offline                           |
      | pretending demo      | DEMO-04.10 | expected: the frame of the cluster panel was red |
