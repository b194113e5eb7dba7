"use strict";

const field = document.getElementById("token");

document.getElementById("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = document.getElementById("problem");
  problem.textContent = "";
  try {
    const answer = await fetch("/console/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: field.value }),
    });
    if (answer.ok) location.replace("/");
    else problem.textContent = (await answer.json()).detail;
  } catch {
    problem.textContent = "The bot cannot be reached.";
  }
  field.select();
});
