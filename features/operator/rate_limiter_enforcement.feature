@ratelimiter
Feature: The rate limiter allows no more than its limit
  Whatever clients do, and whichever of the three nodes they ask, a customer gets no more requests
  within one window than the limit allows. Otherwise there would be nothing for an operator to guard.

  Background:
    Given a rate limiter stack in its steady state

  @DEMO-05.12
  Scenario: Concurrent requests to all nodes
    When 200 requests at once ask all nodes for counter "checkout" with its limit of 25
    Then exactly 25 of them were allowed
    And Redis itself holds 25 requests for counter "checkout"

  @DEMO-05.12
  Scenario: Concurrent requests while a node is lost
    When 600 requests at once ask all nodes for counter "checkout" with its limit of 25, and node "ratelimiter-2" is killed among them
    Then the killed node left requests without an answer
    And never more than 25 of them were allowed
    And Redis itself holds no more than 25 requests for counter "checkout"

  @DEMO-05.12
  Scenario: A window that slides
    When clients ask for counter "checkout" without pause for 3 windows, with its limit of 10 in a window of 400 milliseconds
    Then at least 20 requests were allowed in all
    And never more than 10 of them were allowed within one window
