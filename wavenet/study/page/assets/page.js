// What the page does without its server: numbers and their sliders, pressed buttons, the theme, the chosen point.
(function () {
  const kept = () => window.dash_clientside.no_update;
  const trigger = () => window.dash_clientside.callback_context.triggered_id;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  dark.addEventListener("change", () => window.dash_clientside.set_props("scheme", { data: Date.now() }));

  // A slider sets its number once it has rested. No callback: a circle of them keeps others from hearing of a number.
  const REST = 120; // [ms]
  const moving = {};
  document.addEventListener("input", function ({ target }) {
    if (target.type !== "range") return;
    const name = target.id.replace("-slider", "");
    clearTimeout(moving[name]);
    moving[name] = setTimeout(() => window.dash_clientside.set_props(name, { value: Number(target.value) }), REST);
  });

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    page: {
      // The slider stays at its end where the number is beyond it, and where it was if there is none.
      follow: function (number) {
        const range = document.getElementById(`${trigger()}-slider`);
        if (typeof number !== "number" || !range) return kept();
        return Math.min(Math.max(number, Number(range.min)), Number(range.max));
      },

      choose: function () {
        const [name, value] = trigger().split(/-(.*)/);
        const buttons = window.dash_clientside.callback_context.inputs_list.map((input) => input.id);
        return [value, ...buttons.map((id) => String(id === `${name}-${value}`))];
      },

      toggle: (_, on) => [!on, String(!on)],

      flow: (flow) => [flow !== "jet", flow === "none", flow === "none"],

      theme: function (clicks, _, choice) {
        const order = ["auto", "light", "dark"];
        let chosen = order.includes(choice) ? choice : "auto";
        if (trigger() === "theme-button" && clicks) chosen = order[(order.indexOf(chosen) + 1) % 3];
        const theme = chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;
        document.documentElement.dataset.theme = theme;
        return [theme, chosen, `Theme: ${chosen}`];
      },

      point: function () {
        const clicked = window.dash_clientside.callback_context.triggered[0];
        const at = clicked && clicked.value && clicked.value.points[0];
        const on_map = at && at.z !== undefined;
        return on_map ? [Number(at.x.toFixed(6)), Number(at.y.toFixed(6))] : [kept(), kept()];
      },
    },
  });
})();
