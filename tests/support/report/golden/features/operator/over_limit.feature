# The lines of these scenarios are those of the results in conftest.py.
@ratelimiter
Feature: A counter over its limit
  Customers are refused who should not be.



  @DEMO-05.1
  Scenario: The stack comes up
    Then the steady state is reached


  @DEMO-05.2 @AUDIT-01.1
  Scenario: It is noticed, once
    Then the monitor reports the violation
    Then one ticket is filed for "checkout"
    Then no other ticket is filed











  @DEMO-05.3
  Scenario: Redis does not start
    Then the stack is steady
