"""The machinery of the suite. It knows no operator's code: what is tested is started, never imported.

To be read in this order:

one scenario    testbed.py is what steps talk to: it owns what a scenario needs, and undoes it all.
                breakage.py breaks a stack and heals it (faults/, one file per family); scene.py sets scenes.
under test      hosting.py hosts, for a bed, an operator (operator.py), its demo (demonstration.py, with
                overhearing.py and the agents of hostile.py) or the suite itself (suite.py).
                profile.py says how an operator is started and what it prints.
around it       stacks/ are the clusters, workload/ their traffic, model/ what answers the agent,
                evidence/ what a verdict rests on, verdict.py its words.
processes       supervisor/ starts and ends all of them, and depends on nothing else here.
one run         runner.py is behave's runner, gherkin.py its steps, features.py its parser. plan.py is what it
                is about, with selection.py, config.py, preparation.py and machine/; run.py owns what lasts
                for it. workers/ have it side by side, interruption.py ends it early, report/ tells of it.
asyncio         event_loop.py is driven by behave's thread; stay.py keeps contexts open between two steps.
commands        cli.py, up.py, repeat.py, prove/ (with the bad operators of sabotage/) and report/;
                terminal.py is for terminals that go away.
"""
