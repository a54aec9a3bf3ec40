// Put it together.

function showFound() {
  const foundCriteria = showRequirements();
  const foundScenarios = showScenarios();
  by("clear").hidden = !asking();
  by("found").textContent = asking()
    ? `${plural(foundCriteria, "criterion", "criteria")} and ${plural(foundScenarios, "scenario", "scenarios")} found`
    : `${plural(criteria.length, "criterion", "criteria")}, ${plural(scenarios.length, "scenario", "scenarios")}`;
}

showTop();
showAttention();
showGlance();
showFilters(showFound);
showFound();
showGaps();
showEnvironment();
showSignoff();
window.addEventListener("hashchange", follow);
window.addEventListener("beforeprint", () => document.querySelectorAll("details.requirement, details.feature").forEach((part) => {
  if (scenarios.length <= 500) part.makeBody();
}));
follow();
document.documentElement.dataset.ready = "yes";
