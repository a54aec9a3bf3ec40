@meta @tikv @TEST-01.2
Feature: The acceptance test of TiKV notices a bad operator
  A cluster can be made to look well in many ways: by removing what is lost, by asking less of it, by not
  looking. None of them is a repair. The test must fail each, naming the criterion and what it has seen.

  Scenario Outline: A <bad operator> fails <criterion>
    When the acceptance test of criterion <criterion> meets a <bad operator>
    Then it ends red
    And it names criterion <criterion>, and has seen "<seen>"

    Examples: Monitors
      | bad operator      | criterion | seen                          |
      | blind monitor     | DEMO-04.2 | it did not happen             |
      | jumpy monitor     | DEMO-04.6 | ticket #1 for pd_no_leader    |
      | forgiving monitor | DEMO-04.7 | , resolved                    |
      | trusting monitor  | DEMO-04.9 | is open again after 2 checks  |

    Examples: Agents
      | bad operator           | criterion | seen                                              |
      | store-removing model   | DEMO-04.4 | store tikv0 is Offline                            |
      | replica-lowering model | DEMO-04.4 | replication.max-replicas was 3 and is 2           |
      | store-adding model     | DEMO-04.4 | was not there and is id                           |
      | wrong-store model      | DEMO-04.4 | node tikv1 was running, pid                       |
      | store-restarting model | DEMO-04.4 | node tikv2 was running, pid                       |
      | data-dropping model    | DEMO-04.4 | what is stored under order-0: 'of customer 0'     |
      | relapsing agent        | DEMO-04.4 | what is wrong with the stack: an empty collection |
      | relapsing agent        | DEMO-04.5 | a line that reports that all is passing           |
      | lying model            | DEMO-04.5 | nothing changed the stack after the fault         |
