// Maps: points (given or asked by the shown box), clusters made by the server, boundaries; colours come from CSS classes.
(() => {
  const CLUSTER_FROM = 5;
  const radius = { used: 5, free: 5, full: 4.5, idle: 5, planned: 6 };

  const start = (element) => {
    const settings = JSON.parse(document.getElementById(element.dataset.map).textContent);
    const words = settings.words || {};
    const map = L.map(element, { attributionControl: false, zoomControl: false, keyboard: true, scrollWheelZoom: !settings.still, maxZoom: 19, minZoom: 7 });
    map.createPane("land").style.zIndex = 350;
    const bare = () => element.classList.toggle("bare", !settings.boundaries_url && !settings.tiles?.url);
    bare();
    if (!settings.still) L.control.zoom({ position: "topleft", zoomInTitle: words.zoom_in || "+", zoomOutTitle: words.zoom_out || "−" }).addTo(map);
    L.control.scale({ imperial: false, position: "bottomleft" }).addTo(map);
    const note = [settings.boundaries_note, settings.tiles?.attribution].filter(Boolean).join(" · ");
    if (note) L.control.attribution({ prefix: false, position: "bottomright" }).addAttribution(note).addTo(map);
    if (settings.tiles?.url) {
      element.classList.add("tiles");
      L.tileLayer(settings.tiles.url, { maxZoom: 19 }).addTo(map);
    }
    if (settings.bounds) map.fitBounds(settings.bounds, { animate: false, padding: [8, 8] });
    else map.setView(settings.center || [9.1, 105.0], settings.zoom || 10, { animate: false });
    if (settings.radius_m && settings.center) L.circle(settings.center, { radius: settings.radius_m, className: "m-ring", interactive: false }).addTo(map);
    if (settings.boundaries_url) boundaries(map, settings);

    const layer = L.layerGroup().addTo(map);
    const marks = new Map();
    let halo = null;
    const ring = (id) => {
      halo?.remove();
      halo = null;
      const mark = marks.get(String(id));
      if (mark) halo = L.circleMarker(mark.getLatLng(), { radius: 11, className: "m-halo", interactive: false }).addTo(map);
      return mark;
    };
    const row = (id, on) => {
      const found = settings.rows && document.querySelector(`${settings.rows} [data-point="${CSS.escape(String(id))}"], ${settings.rows}[data-point="${CSS.escape(String(id))}"]`);
      found?.classList.toggle("cursor", on);
    };
    const place = (points) => {
      layer.clearLayers();
      marks.clear();
      points.forEach((point) => {
        const mark = point.count >= CLUSTER_FROM || point.kind === "cluster" ? cluster(map, point) : single(point, settings);
        mark.addTo(layer);
        if (point.id) {
          marks.set(String(point.id), mark);
          mark.on("mouseover", () => { ring(point.id); row(point.id, true); });
          mark.on("mouseout", () => { ring(settings.chosen); row(point.id, false); });
        }
      });
      ring(settings.chosen);
      labels();
    };
    // Labels that stay: each at the side where it covers nothing, else only on hover. Measured, as texts differ in length.
    const labels = () => {
      if (settings.labels !== true) return;
      const size = map.getSize();
      const points = [...layer.getLayers()].map((mark) => ({ mark, at: map.latLngToContainerPoint(mark.getLatLng()) }));
      const taken = points.map(({ at }) => [at.x - 7, at.y - 7, at.x + 7, at.y + 7]);
      const free = ([left, top, right, bottom]) => left >= 2 && top >= 2 && right <= size.x - 2 && bottom <= size.y - 2 && !taken.some((each) => left < each[2] && right > each[0] && top < each[3] && bottom > each[1]);
      points.filter(({ mark }) => mark.amLabel).sort((one, other) => one.at.y - other.at.y).forEach(({ mark, at }) => {
        const wide = measure(mark.amLabel) + 8;
        const sides = { right: [at.x + 8, at.y - 8, at.x + 8 + wide, at.y + 8], left: [at.x - 8 - wide, at.y - 8, at.x - 8, at.y + 8], ...above(at, wide, 0, "top"), ...above(at, wide, wide / 2 - 8, "top-right"), ...above(at, wide, 8 - wide / 2, "top-left"), ...below(at, wide, 0, "bottom"), ...below(at, wide, wide / 2 - 8, "bottom-right"), ...below(at, wide, 8 - wide / 2, "bottom-left") };
        const side = Object.keys(sides).find((each) => free(sides[each]));
        const [direction, aside] = (side || "top").split("-");
        const shift = aside ? (wide / 2 - 8) * (aside === "right" ? 1 : -1) : 0;
        const offset = { right: [6, 0], left: [-6, 0], top: [shift, -6], bottom: [shift, 6] }[direction];
        mark.unbindTooltip().bindTooltip(text(mark.amLabel), { permanent: Boolean(side), direction, offset, className: side ? "m-label" : "" });
        if (side) taken.push(sides[side]);
      });
    };
    map.on("zoomend", labels);
    if (settings.points) place(settings.points);
    if (settings.points_url) ask(map, settings, place);
    if (settings.rows) {
      const rowOf = (event) => event.target.closest?.("[data-point]");
      document.addEventListener("mouseover", (event) => { const found = rowOf(event); if (found) ring(found.dataset.point)?.openTooltip?.(); });
      document.addEventListener("mouseout", (event) => { const found = rowOf(event); if (found) ring(settings.chosen) || marks.get(found.dataset.point)?.closeTooltip?.(); });
    }
    if (settings.box_input) map.on("moveend", () => { const field = document.getElementById(settings.box_input); if (field) field.value = box(map); });
    new ResizeObserver(() => map.invalidateSize({ animate: false })).observe(element);
    element.amMap = map;
  };

  const single = (point, settings) => {
    const kind = point.kind in radius ? point.kind : "used";
    const at = [point.lat, point.lon];
    const mark = kind === "planned" ? diamond(at) : L.circleMarker(at, { radius: radius[kind], className: `m-${kind}` });
    if (point.label) {
      if (settings.labels === true) mark.amLabel = point.label;
      else mark.bindTooltip(text(point.label), { direction: "top", offset: [0, -6] });
    }
    if (point.href) mark.on("click", () => location.assign(point.href));
    return mark;
  };

  const above = (at, wide, shift, side) => ({ [side]: [at.x + shift - wide / 2, at.y - 23, at.x + shift + wide / 2, at.y - 8] });
  const below = (at, wide, shift, side) => ({ [side]: [at.x + shift - wide / 2, at.y + 8, at.x + shift + wide / 2, at.y + 23] });
  const pen = document.createElement("canvas").getContext("2d");
  const measure = (words) => {
    pen.font = `550 11px ${getComputedStyle(document.documentElement).getPropertyValue("--am-font") || "sans-serif"}`;
    return pen.measureText(words).width;
  };
  const text = (words) => Object.assign(document.createElement("span"), { textContent: words });

  const Diamond = L.CircleMarker.extend({
    _updatePath() {
      const { x, y } = this._point;
      const r = this._radius;
      this._path.setAttribute("d", `M${x} ${y - r}L${x + r} ${y}L${x} ${y + r}L${x - r} ${y}Z`);
    },
  });
  const diamond = (at) => new Diamond(at, { radius: 7, className: "m-planned" });

  const cluster = (map, point) => {
    const disc = Object.assign(document.createElement("span"), { className: "am-cluster", textContent: point.count });
    const icon = L.divIcon({ html: disc, className: "am-cluster-icon", iconSize: [28, 28] });
    const mark = L.marker([point.lat, point.lon], { icon, keyboard: false, alt: String(point.count) });
    mark.on("click", () => map.setView(mark.getLatLng(), Math.min(map.getZoom() + 2, 18), { animate: false }));
    return mark;
  };

  const box = (map) => {
    const b = map.getBounds();
    return [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()].map((each) => each.toFixed(5)).join(",");
  };

  const ask = (map, settings, place) => {
    let running = null;
    const load = async () => {
      running?.abort();
      running = new AbortController();
      const url = new URL(settings.points_url, location.href);
      url.searchParams.set("bbox", box(map));
      url.searchParams.set("zoom", map.getZoom());
      try {
        const answer = await fetch(url, { signal: running.signal, headers: { Accept: "application/json" } });
        if (answer.ok) place((await answer.json()).points);
      } catch (error) {
        if (error.name !== "AbortError") throw error;
      }
    };
    map.on("moveend", load);
    load();
  };

  const boundaries = async (map, settings) => {
    const answer = await fetch(settings.boundaries_url, { headers: { Accept: "application/json" } });
    if (!answer.ok) {
      map.getContainer().classList.add("bare");
      return;
    }
    const shapes = await answer.json();
    if (!shapes.features?.length) {
      map.getContainer().classList.add("bare");
      return;
    }
    const name = (feature) => feature.properties?.level === "district" ? "m-district" : "m-land";
    const layer = L.geoJSON(shapes, { pane: "land", interactive: false, style: (feature) => ({ className: String(feature.properties?.code) === String(settings.unit) ? "m-chosen" : name(feature) }) }).addTo(map);
    if (!settings.bounds && !settings.center) map.fitBounds(layer.getBounds(), { animate: false, padding: [8, 8] });
  };

  document.querySelectorAll("[data-map]").forEach(start);
  document.addEventListener("htmx:afterSettle", (event) => event.target.querySelectorAll("[data-map]").forEach((each) => { if (!each.amMap) start(each); }));
})();
