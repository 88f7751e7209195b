// The trend: actual, forecast with its band, targets. Colours are read from the CSS variables, again on a theme change.
(() => {
  const start = (element) => {
    const settings = JSON.parse(document.getElementById(element.dataset.trend).textContent);
    const chart = echarts.init(element, null, { renderer: "svg" });
    const draw = () => chart.setOption(option(settings, getComputedStyle(document.documentElement), element.clientWidth < 480), true);
    draw();
    document.documentElement.addEventListener("am:theme", draw);
    matchMedia("print").addEventListener("change", draw);
    let width = element.clientWidth;
    new ResizeObserver(() => {
      chart.resize();
      if ((width < 480) !== (element.clientWidth < 480)) draw();
      width = element.clientWidth;
    }).observe(element);
  };

  const vietnamese = document.documentElement.lang === "vi";
  // Percent unless the settings say otherwise: unit "" is a plain number, whose decimals are shown where there are any.
  const plain = (value, decimals, least) => value.toLocaleString(vietnamese ? "vi-VN" : "en-GB", { minimumFractionDigits: least, maximumFractionDigits: decimals });
  const month = (value) => {
    const at = new Date(value);
    return `${String(at.getMonth() + 1).padStart(2, "0")}/${at.getFullYear()}`;
  };
  const day = (value) => new Date(value).toLocaleDateString(vietnamese ? "vi-VN" : "en-GB", { day: "2-digit", month: vietnamese ? "2-digit" : "short", year: "numeric" });

  const option = (settings, style, small) => {
    const of = (name) => style.getPropertyValue(`--am-${name}`).trim();
    const words = settings.words;
    const figure = (value, decimals) => {
      if (settings.unit === "") return plain(value, decimals, 0);
      return vietnamese ? `${plain(value, decimals, decimals)}%` : `${plain(value, decimals, decimals)} %`;
    };
    const actual = settings.actual || [];
    const forecast = settings.forecast || [];
    const targets = settings.targets || [];
    const font = { fontFamily: style.getPropertyValue("--am-font").trim(), fontSize: 12 };
    const label = (position, color) => ({ show: true, position, color, fontWeight: 600, ...font });
    const ends = actual.map(([at, value], index) => ({
      value: [at, value],
      symbol: index === 0 || index === actual.length - 1 ? "circle" : "none",
      symbolSize: 8,
      label: index === 0 || index === actual.length - 1
        ? { ...label("bottom", of("ink")), formatter: figure(value, 2) } : { show: false },
    }));
    const series = [
      { name: words.actual, type: "line", data: ends, symbol: "circle", showAllSymbol: true, lineStyle: { width: 3, color: of("c1") }, itemStyle: { color: of("c1"), borderColor: of("surface"), borderWidth: 1.5 }, z: 5 },
    ];
    if (forecast.length) {
      series.push(
        { name: "low", type: "line", stack: "band", symbol: "none", silent: true, lineStyle: { opacity: 0 }, data: forecast.map(([at, low]) => [at, low]) },
        { name: "band", type: "line", stack: "band", symbol: "none", silent: true, lineStyle: { opacity: 0 }, areaStyle: { color: of("c1"), opacity: 0.13 }, data: forecast.map(([at, low, , high]) => [at, high - low]) },
        {
          name: words.forecast, type: "line", lineStyle: { width: 2, type: "dotted", color: of("c1") }, itemStyle: { color: of("surface"), borderColor: of("c1"), borderWidth: 2 },
          data: forecast.map(([at, , middle], index) => ({
            value: [at, middle], symbol: index === forecast.length - 1 ? "circle" : "none", symbolSize: 8,
            label: index === forecast.length - 1 ? { ...label(small ? "top" : "right", of("ink-2")), fontWeight: 500, formatter: figure(middle, 1) } : { show: false },
          })), z: 4,
        },
      );
    }
    if (targets.length) {
      series.push({
        name: words.target, type: "line", symbol: "diamond", symbolSize: 11, lineStyle: { width: 1.5, type: "dashed", color: of("c2") }, itemStyle: { color: of("c2") },
        data: targets.map(([at, value, name], index) => ({ value: [at, value], label: { ...label(index === targets.length - 1 && !small ? "right" : "top", of("c2")), textBorderColor: of("surface"), textBorderWidth: 3, formatter: small ? figure(value, 0) : name } })), z: 6,
      });
    }
    const days = [...actual, ...forecast, ...targets].map(([at]) => new Date(at).getTime());
    const half = (time, by) => { const at = new Date(time); return new Date(at.getFullYear(), Math.floor(at.getMonth() / 6) * 6 + by, 1).getTime(); };
    const first = half(Math.min(...days), 0);
    const end = half(Math.max(...days), 6);
    return {
      animation: false,
      textStyle: font,
      grid: { left: 44, right: small ? 34 : 84, top: 24, bottom: 26 },
      tooltip: {
        trigger: "axis", renderMode: "richText", confine: true, backgroundColor: of("bar"), borderWidth: 0, padding: [6, 10],
        textStyle: { color: of("bar-ink"), ...font },
        formatter: (items) => [day(items[0].axisValue), ...items.filter((item) => !["low", "band"].includes(item.seriesName)).map((item) => `${item.seriesName}: ${figure(item.value[1], 2)}`)].join("\n"),
      },
      xAxis: {
        type: "time", min: first, max: end, axisLine: { lineStyle: { color: of("line-2") } }, axisTick: { show: false }, splitLine: { show: false },
        axisLabel: { color: of("ink-3"), fontSize: 11, formatter: month, showMinLabel: false, hideOverlap: true, customValues: halves(first, end, small) },
      },
      yAxis: { type: "value", min: 0, max: settings.top || undefined, interval: settings.interval || 10, axisLabel: { color: of("ink-3"), fontSize: 11, formatter: (value) => figure(value, 0) }, splitLine: { lineStyle: { color: of("line") } } },
      series,
    };
  };

  const halves = (first, end, small) => {
    const found = [];
    for (let at = new Date(first); at.getTime() <= end; at = new Date(at.getFullYear(), at.getMonth() + (small ? 12 : 6), 1)) found.push(at.getTime());
    return found;
  };

  document.querySelectorAll("[data-trend]").forEach(start);
})();
