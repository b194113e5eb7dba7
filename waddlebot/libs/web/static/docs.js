"use strict";

/** An element with text or children; nothing is ever parsed as HTML. */
function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** An example of a schema, as a plain value. */
function example(schema, api, depth = 0) {
  if (!schema || depth > 6) return null;
  if (schema.$ref) return example(api.components.schemas[schema.$ref.split("/").pop()], api, depth + 1);
  if ("default" in schema && schema.default !== null) return schema.default;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const any = schema.anyOf || schema.oneOf;
  if (any) return example(any.find((part) => part.type !== "null") || any[0], api, depth + 1);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === "object" || schema.properties) {
    const pairs = Object.entries(schema.properties || {});
    return Object.fromEntries(pairs.map(([name, part]) => [name, example(part, api, depth + 1)]));
  }
  if (type === "array") {
    if (schema.prefixItems) return schema.prefixItems.map((part) => example(part, api, depth + 1));
    return schema.items ? [example(schema.items, api, depth + 1)] : [];
  }
  return { string: "text", integer: 0, number: 0, boolean: false }[type] ?? null;
}

function shown(content, api) {
  const [[type, media]] = Object.entries(content);
  const text = type.endsWith("json") ? JSON.stringify(example(media.schema, api), null, 2) : type;
  return element("pre", { tabindex: "0" }, text);
}

function curl(path, method, operation, api) {
  const parts = [`curl -X ${method.toUpperCase()} '${location.origin}${path}'`];
  if (operation.security) parts.push(`-H "X-API-Key: $WADDLEBOT_KEY"`);
  if (operation.requestBody) {
    const body = JSON.stringify(example(operation.requestBody.content["application/json"].schema, api));
    parts.push(`-H 'Content-Type: application/json'`, `-d '${body.replaceAll("'", "'\\''")}'`);
  }
  return parts.join(" \\\n  ");
}

function drawn(path, method, operation, api) {
  const role = operation["x-role"] ? `needs the role ${operation["x-role"]}` : "open to anybody";
  const inside = element("div", { class: "inside" });
  for (const paragraph of (operation.description || "").split("\n\n")) {
    if (paragraph) inside.append(element("p", {}, paragraph));
  }
  inside.append(element("h3", {}, "Try it"), element("pre", { tabindex: "0" }, curl(path, method, operation, api)));
  if (operation.requestBody) inside.append(element("h3", {}, "Body"), shown(operation.requestBody.content, api));
  inside.append(element("h3", {}, "Answers"));
  const answers = element("dl", {});
  for (const [status, answer] of Object.entries(operation.responses)) {
    answers.append(element("dt", {}, status), element("dd", {}, answer.description));
  }
  inside.append(answers);
  const good = operation.responses["200"];
  if (good && good.content) inside.append(shown(good.content, api));
  const summary = element(
    "summary", {},
    element("span", { class: "method" }, method.toUpperCase()),
    element("code", {}, path),
    element("span", {}, operation.summary || ""),
    element("span", { class: "role" }, role),
  );
  return element("details", {}, summary, inside);
}

function draw(api) {
  document.getElementById("about").textContent = api.info.description;
  const main = document.getElementById("modules");
  main.replaceChildren();
  const tags = [...api.tags, { name: "", description: "The host itself" }];
  for (const tag of tags) {
    const section = element("section", {}, element("h2", {}, tag.name || "health"));
    section.append(element("p", { class: "soft" }, tag.description || ""));
    for (const [path, methods] of Object.entries(api.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if ((operation.tags || [""])[0] === tag.name) section.append(drawn(path, method, operation, api));
      }
    }
    main.append(section);
  }
  main.setAttribute("aria-busy", "false");
}

function find(words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of document.querySelectorAll("section")) {
    let any = false;
    for (const item of section.querySelectorAll("details")) {
      const text = (section.querySelector("h2").textContent + item.textContent).toLowerCase();
      item.hidden = !wanted.every((word) => text.includes(word));
      any ||= !item.hidden;
    }
    section.hidden = !any;
  }
}

document.getElementById("find").addEventListener("input", (event) => find(event.target.value));
fetch(document.querySelector("header a").href)
  .then((answer) => answer.json())
  .then(draw)
  .catch((error) => {
    document.getElementById("modules").replaceChildren(element("p", { role: "alert" }, `It did not load: ${error}`));
  });
