// Pictures by Plotly, which the server has made for their width on the screen.
const CONFIG = { displayModeBar: false, responsive: false, doubleClick: false };

export function draw(name, figure, clicked) {
  const element = document.getElementById(name);
  element.style.height = `${figure.layout.height}px`;
  element.closest("figure").querySelector(".files").hidden = !figure.data.length;
  const first = !element.classList.contains("js-plotly-plot");
  Plotly.react(element, figure.data, figure.layout, CONFIG);
  if (first && (name === "field" || name === "relevance")) {
    element.on("plotly_click", ({ points }) => {
      const at = points[0];
      if (at && at.z !== undefined) clicked(at.x, at.y);
    });
  }
}

// The chosen point in the field.
export function mark([x, r]) {
  const { data } = document.getElementById("field");
  if (!data || data.length < 2 || (data[1].x[0] === x && data[1].y[0] === r)) return;
  Plotly.restyle("field", { x: [[x]], y: [[r]] }, [1]);
}

// A file of a picture as it is on the screen, on the panel's ground: twice as fine as the screen if it has pixels.
export async function saveImage(name, format) {
  const element = document.getElementById(name), { width, height } = element.layout;
  const ground = getComputedStyle(document.documentElement).getPropertyValue("--panel");
  const figure = { data: element.data, layout: { ...element.layout, paper_bgcolor: ground } };
  const scale = format === "png" ? 2 : 1;
  const link = document.createElement("a");
  link.href = await Plotly.toImage(figure, { format, width, height, scale });
  link.download = `wavenet-${name}.${format}`;
  link.click();
}
