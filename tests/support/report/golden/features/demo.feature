Feature: The demo

  @DEMO-06.1
  Scenario: The panel is live
    Then a line is on the panel

  @DEMO-06
  Scenario: The panel is there
    Then a line is on the panel


  Scenario: Nobody asked
