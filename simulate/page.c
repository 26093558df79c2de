/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names come from files of anybody's: they are made printable first
 * (common/escape.h), and then harmless to HTML.
 */
#include "simulate/page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/escape.h"
#include "common/number.h"
#include "common/units.h"

/* Pixels; the browser scales them to the place that there is. */
#define HOST_WIDTH 1160
#define HOST_HEIGHT 340
#define SIZES_HEIGHT 260
#define DOMAIN_WIDTH 380
#define DOMAIN_HEIGHT 190

/* A name of 127 bytes, each as "\xNN", each of those as an entity. */
#define NAME_MAX_SHOWN 520
#define NAME_MAX_HTML (6 * NAME_MAX_SHOWN)

static const char *const style[] = {
    ":root{color-scheme:light dark;--back:#f6f7f9;--card:#fff;--ink:#1b1f24;",
    "--dim:#5d6673;--line:#dfe3e8;--grid:#e9ecf0;--need:#8795a8;",
    "--needfill:#8795a833;--current:#0b6bcb;--target:#0a8a5b;",
    "--demand:#d9730d;--alarm:#c62828}\n",
    "@media(prefers-color-scheme:dark){:root{--back:#101317;--card:#181c22;",
    "--ink:#e6e9ee;--dim:#98a2b0;--line:#2b313a;--grid:#242a32;",
    "--need:#8996a8;--needfill:#8996a82e;--current:#5fb0ff;--target:#3fd09a;",
    "--demand:#ffa94d;--alarm:#ff7b72}}\n",
    "*{box-sizing:border-box}\n",
    "body{margin:0;background:var(--back);color:var(--ink);",
    "font:15px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}\n",
    "main{max-width:1240px;margin:0 auto;padding:28px 20px 60px}\n",
    "h1{font-size:26px;margin:0;overflow-wrap:anywhere}\n",
    "h2{font-size:17px;margin:0}\n",
    "p{margin:4px 0 0;color:var(--dim)}\n",
    ".card{background:var(--card);border:1px solid var(--line);",
    "border-radius:10px;padding:16px 18px;margin-top:18px}\n",
    ".tiles{display:grid;gap:12px;margin-top:20px;",
    "grid-template-columns:repeat(auto-fit,minmax(252px,1fr))}\n",
    ".tile{background:var(--card);border:1px solid var(--line);",
    "border-radius:10px;padding:12px 16px}\n",
    ".tile b{display:block;font-size:25px;font-weight:600;",
    "font-variant-numeric:tabular-nums}\n",
    ".tile span{color:var(--dim);font-size:13px}\n",
    ".tile.alarm b{color:var(--alarm)}\n",
    "svg{display:block;width:100%;height:auto;margin-top:8px;overflow:visible}",
    "\nsvg text{font-size:11.5px;fill:var(--dim);",
    "font-variant-numeric:tabular-nums}\n",
    ".grid{stroke:var(--grid);stroke-width:1}\n",
    "polyline{fill:none;stroke-width:1.8;stroke-linejoin:round}\n",
    "polyline,line{vector-effect:non-scaling-stroke}\n",
    ".area{fill:var(--needfill);stroke:none}\n",
    ".working-set{stroke:var(--need);stroke-width:1.2}\n",
    ".current{stroke:var(--current)}\n",
    ".target{stroke:var(--target);stroke-dasharray:5 4;stroke-width:1.6}\n",
    ".demand{stroke:var(--demand);stroke-width:1.4}\n",
    ".unmet{stroke:var(--current)}\n",
    ".dot{fill:var(--card);stroke:var(--current);stroke-width:2}\n",
    ".host{stroke:var(--alarm);stroke-width:1.2;stroke-dasharray:2 3}\n",
    ".bound{stroke:var(--dim);stroke-width:1;stroke-dasharray:1 4}\n",
    ".cross{stroke:var(--ink);stroke-width:1;opacity:.5}\n",
    ".bar{display:flex;flex-wrap:wrap;gap:8px 18px;align-items:center}\n",
    ".bar h2{margin-right:auto}\n",
    ".legend label{cursor:pointer;font-size:13px;user-select:none;",
    "white-space:nowrap}\n.legend{display:flex;flex-wrap:wrap;gap:4px 16px}\n",
    ".legend i{display:inline-block;width:20px;height:0;margin:0 6px 4px 4px;",
    "border-top:3px solid}\n.legend i.dash{border-top-style:dashed}\n",
    "input[type=search],select{font:inherit;color:inherit;",
    "background:var(--back);border:1px solid var(--line);border-radius:6px;",
    "padding:4px 8px}\n",
    "#domains{display:grid;gap:14px;margin-top:14px;",
    "grid-template-columns:repeat(auto-fill,minmax(min(100%,360px),1fr))}\n",
    "#domains>div{border:1px solid var(--line);border-radius:8px;",
    "padding:10px 12px;cursor:zoom-in;content-visibility:auto;",
    "contain-intrinsic-size:auto 200px;scroll-margin:20px}\n",
    "#domains>div.wide{grid-column:1/-1;cursor:zoom-out}\n",
    "#domains>div.wide text{font-size:4.4px}\n",
    "#domains>div:target{border-color:var(--current)}\n",
    "#domains h3{font-size:14px;margin:0;overflow-wrap:anywhere}\n",
    "#domains small{color:var(--dim)}\n",
    "[hidden]{display:none!important}\n",
    ".table{overflow-x:auto}\n",
    "table{border-collapse:collapse;width:100%;margin-top:10px;",
    "font-size:13.5px;font-variant-numeric:tabular-nums}\n",
    "th,td{padding:6px 10px;text-align:right;white-space:nowrap;",
    "border-bottom:1px solid var(--line)}\n",
    "th{color:var(--dim);font-weight:600}\n",
    "th:first-child,td:first-child{text-align:left;white-space:normal;",
    "overflow-wrap:anywhere;min-width:9em}\n",
    "tfoot td{font-weight:600;border-bottom:0}\na{color:inherit}\n",
    ".bad{color:var(--alarm)}\n",
    "#tip{position:fixed;pointer-events:none;background:var(--card);",
    "border:1px solid var(--line);border-radius:8px;padding:7px 10px;",
    "font:12px/1.5 ui-monospace,monospace;box-shadow:0 4px 16px #0003;",
    "z-index:1;white-space:pre}\n",
    "body.no-working-set .working-set,body.no-working-set .area,",
    "body.no-current .current,body.no-target .target,",
    "body.no-demand .demand{display:none}\n",
    "@media print{input,select{display:none}}\n",
};

/* Choosing domains and lines, and reading values off; the page does without. */
static const char *const script[] = {
    "'use strict';\n",
    "const all=q=>Array.from(document.querySelectorAll(q));\n",
    "const grid=document.getElementById('domains');\n",
    "const tip=document.getElementById('tip');\n",
    "const find=document.getElementById('find');\n",
    "const sort=document.getElementById('sort');\n",
    "function size(k){for(const u of ['KiB','MiB','GiB','TiB']){\n",
    "if(1024>k||u==='TiB')return k.toFixed(k>=100||u==='KiB'?0:2)+' '+u;",
    "k/=1024;}}\n",
    "function time(ms){const s=Math.round(ms/1000),p=[];\n",
    "for(const [n,u] of [[86400,'d'],[3600,'h'],[60,'min'],[1,'s']]){\n",
    "const v=Math.floor(s/n)%(n===86400?1e9:n===3600?24:60);",
    "if(v)p.push(v+' '+u);}\n",
    "return p.slice(0,2).join(' ')||'0';}\n",
    "function show(){const w=find.value.toLowerCase();\n",
    "for(const d of all('[data-name]'))",
    "d.hidden=!d.dataset.name.toLowerCase().includes(w);}\n",
    "function order(){const k=sort.value;const c=Array.from(grid.children);\n",
    "c.sort((a,b)=>k==='name'?a.dataset.name.localeCompare(b.dataset.name,",
    "undefined,{numeric:true}):\n",
    "k==='order'?a.dataset.order-b.dataset.order:b.dataset[k]-a.dataset[k]);\n",
    "grid.append(...c);}\n",
    "find.oninput=show;sort.onchange=order;\n",
    "grid.onclick=e=>{const d=e.target.closest('#domains>div');",
    "if(d)d.classList.toggle('wide');};\n",
    "for(const b of all('.legend input'))b.onchange=()=>",
    "document.body.classList.toggle('no-'+b.value,!b.checked);\n",
    "function value(line,x,f,top){const p=line.points;let i=0;\n",
    "while(p.numberOfItems-1>i)if(p.getItem(i+1).x>x)break;else i++;\n",
    "const a=p.getItem(i),b=p.getItem(Math.min(i+1,p.numberOfItems-1));\n",
    "if(a.x-4>x||x-4>b.x)return null;\n",
    "const y=b.x>a.x?a.y+(b.y-a.y)*(x-a.x)/(b.x-a.x):a.y;\n",
    "return Math.max(0,(f[1]+f[3]-y)/f[3]*top);}\n",
    "for(const svg of all('svg.plot')){\n",
    "const f=svg.dataset.frame.split(' ').map(Number);let cross=null;\n",
    "svg.onmousemove=e=>{const r=svg.getBoundingClientRect();\n",
    "const x=(e.clientX-r.left)*svg.viewBox.baseVal.width/r.width;\n",
    "if(f[0]>x||x>f[0]+f[2])return svg.onmouseleave();\n",
    "if(!cross){cross=document.createElementNS(svg.namespaceURI,'line');\n",
    "cross.setAttribute('class','cross');cross.setAttribute('y1',f[1]);\n",
    "cross.setAttribute('y2',f[1]+f[3]);svg.append(cross);}\n",
    "cross.setAttribute('x1',x);cross.setAttribute('x2',x);\n",
    "let t=time((x-f[0])/f[2]*svg.dataset.ms);\n",
    "for(const l of svg.querySelectorAll('polyline')){\n",
    "const v=value(l,x,f,svg.dataset.top);\n",
    "if(v!==null)t+='\\n'+l.getAttribute('class').replace('-',' ').padEnd(13)+",
    "size(v);}\n",
    "tip.textContent=t;tip.hidden=false;\n",
    "tip.style.left=Math.min(e.clientX+14,innerWidth-tip.offsetWidth-8)+",
    "'px';\n",
    "tip.style.top=Math.min(e.clientY+14,innerHeight-tip.offsetHeight-8)+",
    "'px';};\n",
    "svg.onmouseleave=()=>{tip.hidden=true;if(cross)cross.remove();",
    "cross=null;};}\n",
};

/* ---- Text ---------------------------------------------------------------- */

static void put_pieces(FILE *out, const char *const *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)fputs(pieces[i], out);
    }
}

/* Good between tags, and between double quotes. */
static const char *html(const char *text, char into[NAME_MAX_HTML])
{
    char shown[NAME_MAX_SHOWN];
    size_t used = 0;

    (void)escape_text(shown, sizeof(shown), text, strlen(text));
    for (const char *at = shown; *at; at++) {
        const char *entity = *at == '&'    ? "&amp;"
                             : *at == '<'  ? "&lt;"
                             : *at == '>'  ? "&gt;"
                             : *at == '"'  ? "&quot;"
                             : *at == '\'' ? "&#39;"
                                           : NULL;
        int len =
            entity ? snprintf(into + used, NAME_MAX_HTML - used, "%s", entity)
                   : snprintf(into + used, NAME_MAX_HTML - used, "%c", *at);

        used += (size_t)len;
    }
    into[used] = '\0';
    return into;
}

static const char *duration_text(uint64_t ms, char text[64])
{
    uint64_t seconds = ms / 1000;

    if (seconds >= 172800) {
        (void)snprintf(text, 64, "%" PRIu64 " days %" PRIu64 " h",
                       seconds / 86400, seconds / 3600 % 24);
    } else if (seconds >= 3600) {
        (void)snprintf(text, 64, "%" PRIu64 " h %" PRIu64 " min",
                       seconds / 3600, seconds / 60 % 60);
    } else {
        (void)snprintf(text, 64, "%" PRIu64 " min %" PRIu64 " s", seconds / 60,
                       seconds % 60);
    }
    return text;
}

/* ---- The head, and figures ----------------------------------------------- */

static void put_head(FILE *out, const struct page *page)
{
    char title[NAME_MAX_HTML];

    (void)fprintf(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
        "<meta name=\"viewport\" content=\"width=device-width\"/>\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
        "'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\"/>\n"
        "<meta name=\"generator\" content=\"xenballoon " PACKAGE_VERSION
        "\"/>\n"
        "<title>%s - xenballoon simulate</title>\n<style>\n",
        html(page->title, title));
    put_pieces(out, style, sizeof(style) / sizeof(style[0]));
    (void)fputs("</style></head>\n<body><main>\n", out);
}

static void put_summary(FILE *out, const struct page *page)
{
    const struct outcome *outcome = page->outcome;
    char title[NAME_MAX_HTML];
    char policy[NAME_MAX_HTML];
    char host[NUMBER_SIZE_TEXT];
    char length[64];

    (void)fprintf(
        out, "<h1>%s</h1>\n<p>%u domain%s on %s under the policy <b>%s</b>, %s",
        html(page->title, title), outcome->count,
        outcome->count == 1 ? "" : "s",
        number_format_size(host, sizeof(host), outcome->host_memory_kib),
        html(page->policy, policy), duration_text(outcome->ended_ms, length));
    (void)fputs(outcome->is_interrupted
                    ? ". <b class=\"bad\">Interrupted: what follows is of this "
                      "part only.</b></p>\n"
                    : "</p>\n",
                out);
}

static void put_tile(FILE *out, bool is_alarm, const char *value,
                     const char *label)
{
    (void)fprintf(out, "<div class=\"tile%s\"><b>%s</b><span>%s</span></div>\n",
                  is_alarm ? " alarm" : "", value, label);
}

static void put_tiles(FILE *out, const struct outcome_figures *all)
{
    uint64_t unmet = outcome_unmet_millipermyriad(all);
    char text[OUTCOME_MILLI_TEXT];
    char size[NUMBER_SIZE_TEXT];

    (void)fputs("<div class=\"tiles\">\n", out);
    put_tile(out, false, outcome_milli_text(unmet, text),
             "permyriad of demand unmet");
    put_tile(out, false,
             outcome_milli_text(outcome_short_milliminutes(all), text),
             "domain-minutes more than 5 % short");
    put_tile(out, false, number_format_size(size, sizeof(size), all->moved_kib),
             "moved to domains");
    put_tile(out, false, outcome_milli_text(outcome_moved_milli(all), text),
             "moved &#247; rises of what was needed");
    put_tile(out, false, outcome_milli_text(outcome_reversals_milli(all), text),
             "reversals per domain-hour");
    (void)snprintf(text, sizeof(text), "%" PRIu64, all->floor_violations);
    put_tile(out, all->floor_violations > 0, text, "targets below a floor");
    (void)snprintf(text, sizeof(text), "%" PRIu64, all->writes);
    put_tile(out, false, text, "writes of targets and limits");
    put_tile(out, false,
             number_format_size(size, sizeof(size), all->peak_demand_kib),
             "needed at the worst moment");
    (void)fputs("</div>\n", out);
}

/* ---- Plots --------------------------------------------------------------- */

static void put_legend(FILE *out)
{
    static const struct {
        const char *class;
        const char *colour;
        const char *label;
        bool is_dashed;
    } lines[] = {
        {"working-set", "need", "working set", false},
        {"current", "current", "current", false},
        {"target", "target", "target", true},
        {"demand", "demand", "demand", false},
    };

    (void)fputs("<div class=\"legend\">", out);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        (void)fprintf(out,
                      "<label><input type=\"checkbox\" checked=\"checked\" "
                      "value=\"%s\"/><i%s style=\"color:var(--%s)\"></i>%s"
                      "</label>",
                      lines[i].class,
                      lines[i].is_dashed ? " class=\"dash\"" : "",
                      lines[i].colour, lines[i].label);
    }
    (void)fputs("</div>", out);
}

static void put_host(FILE *out, const struct page *page)
{
    const struct plot_mark mark = {
        .class = "host",
        .label = "host memory",
        .kib = page->outcome->host_memory_kib,
    };

    (void)fputs("<section class=\"card\"><div class=\"bar\"><h2>All domains "
                "together</h2>",
                out);
    put_legend(out);
    (void)fputs("</div>\n", out);
    plot_curve(out, &(struct plot){
                        .width = HOST_WIDTH,
                        .height = HOST_HEIGHT,
                        .duration_ms = page->course->duration_ms,
                        .curve = &page->outcome->curve,
                        .marks = &mark,
                        .mark_count = 1,
                        .label = "all domains over time",
                    });
    (void)fputs("</section>\n", out);
}

static void put_sizes(FILE *out, const struct page *page)
{
    if (page->size_count < 2) {
        return;
    }
    (void)fputs("<section class=\"card\"><h2>Unmet demand over the size of "
                "the host</h2>\n<p>Permyriad of what was needed, on a "
                "logarithmic scale; dotted: this host.</p>\n",
                out);
    plot_sizes(out, page->sizes, page->size_count,
               page->outcome->host_memory_kib, HOST_WIDTH, SIZES_HEIGHT);
    (void)fputs("</section>\n", out);
}

static void put_domain(FILE *out, const struct page *page, unsigned int i)
{
    const struct outcome_domain *domain = &page->outcome->domains[i];
    const struct course_domain *given = &page->course->domains[i];
    const struct plot_mark marks[] = {
        {.class = "bound", .kib = given->floor_kib},
        {.class = "bound", .kib = given->ceiling_kib},
    };
    uint64_t unmet = outcome_unmet_millipermyriad(&domain->figures);
    char name[NAME_MAX_HTML];
    char text[OUTCOME_MILLI_TEXT];
    char floor[NUMBER_SIZE_TEXT];
    char ceiling[NUMBER_SIZE_TEXT];

    (void)html(domain->name, name);
    (void)fprintf(out,
                  "<div id=\"d%u\" data-order=\"%u\" data-name=\"%s\" "
                  "data-unmet=\"%" PRIu64 "\" data-peak=\"%" PRIu64
                  "\" data-moved=\"%" PRIu64 "\"><h3>%s</h3>\n",
                  i, i, name, unmet, domain->figures.peak_demand_kib,
                  domain->figures.moved_kib, name);
    (void)fprintf(
        out, "<small>unmet %s; %s to %s; weight %" PRIu64 "</small>\n",
        outcome_milli_text(unmet, text),
        number_format_size(floor, sizeof(floor), given->floor_kib),
        number_format_size(ceiling, sizeof(ceiling), given->ceiling_kib),
        given->weight);
    plot_curve(out, &(struct plot){
                        .width = DOMAIN_WIDTH,
                        .height = DOMAIN_HEIGHT,
                        .duration_ms = page->course->duration_ms,
                        .curve = &domain->curve,
                        .marks = marks,
                        .mark_count = 2,
                        .label = name,
                    });
    (void)fputs("</div>\n", out);
}

static void put_domains(FILE *out, const struct page *page)
{
    (void)fputs(
        "<section class=\"card\"><div class=\"bar\"><h2>Each domain</h2>\n"
        "<input type=\"search\" id=\"find\" placeholder=\"find a name\" "
        "aria-label=\"find a name\"/>\n"
        "<select id=\"sort\" aria-label=\"order\">"
        "<option value=\"order\">as given</option>"
        "<option value=\"name\">by name</option>"
        "<option value=\"unmet\">most unmet first</option>"
        "<option value=\"moved\">most moved first</option>"
        "<option value=\"peak\">largest first</option></select></div>\n"
        "<p>Dotted: floor and ceiling, where they are near. A click enlarges."
        "</p>\n<div id=\"domains\">\n",
        out);
    for (unsigned int i = 0; i < page->outcome->count; i++) {
        put_domain(out, page, i);
    }
    (void)fputs("</div></section>\n", out);
}

/* ---- The table ----------------------------------------------------------- */

static void put_cell(FILE *out, const char *text)
{
    (void)fprintf(out, "<td>%s</td>", text);
}

static void put_figures(FILE *out, const struct outcome_figures *figures)
{
    char text[OUTCOME_MILLI_TEXT];

    put_cell(out,
             outcome_milli_text(outcome_unmet_millipermyriad(figures), text));
    put_cell(out,
             outcome_milli_text(outcome_short_milliminutes(figures), text));
    put_cell(out, number_format_size(text, sizeof(text), figures->moved_kib));
    put_cell(out, outcome_milli_text(outcome_moved_milli(figures), text));
    put_cell(out, outcome_milli_text(outcome_reversals_milli(figures), text));
    (void)fprintf(out, "<td%s>%" PRIu64 "</td><td>%" PRIu64 "</td>",
                  figures->floor_violations > 0 ? " class=\"bad\"" : "",
                  figures->floor_violations, figures->writes);
    put_cell(out,
             number_format_size(text, sizeof(text), figures->peak_demand_kib));
}

static void put_table(FILE *out, const struct outcome *outcome)
{
    (void)fputs(
        "<section class=\"card\"><h2>Figures</h2>\n<div class=\"table\"><table>"
        "<thead><tr><th>domain</th><th>unmet, permyriad</th><th>short, min</th>"
        "<th>moved</th><th>moved &#247; rises</th><th>reversals an hour</th>"
        "<th>below floor</th><th>writes</th><th>peak</th></tr></thead>\n"
        "<tbody>\n",
        out);
    for (unsigned int i = 0; i < outcome->count; i++) {
        char name[NAME_MAX_HTML];

        (void)html(outcome->domains[i].name, name);
        (void)fprintf(out,
                      "<tr data-name=\"%s\"><td><a href=\"#d%u\">%s</a></td>",
                      name, i, name);
        put_figures(out, &outcome->domains[i].figures);
        (void)fputs("</tr>\n", out);
    }
    (void)fputs("</tbody><tfoot><tr><td>all</td>", out);
    put_figures(out, &outcome->all);
    (void)fputs("</tr></tfoot></table></div></section>\n", out);
}

/* ---- The whole ----------------------------------------------------------- */

static void put_page(FILE *out, const struct page *page)
{
    put_head(out, page);
    put_summary(out, page);
    put_tiles(out, &page->outcome->all);
    put_host(out, page);
    put_sizes(out, page);
    put_domains(out, page);
    put_table(out, page->outcome);
    (void)fputs("</main><div id=\"tip\" hidden=\"hidden\"></div>\n"
                "<script>//<![CDATA[\n",
                out);
    put_pieces(out, script, sizeof(script) / sizeof(script[0]));
    (void)fputs("//]]></script></body></html>\n", out);
}

char *page_text(const struct page *page)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    if (!out) {
        return NULL;
    }
    put_page(out, page);
    if (ferror(out) != 0) {
        (void)fclose(out);
        free(text);
        return NULL;
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
