"""The moderators' pages, served at /console.

How to add a page, say /console/search:

1. A module `service/console/search.py` with a view and a table::

       async def show_search(visit: Visit) -> web.StreamResponse:
           asked = visit.query(SearchForm)  # a msgspec struct; wrong parameters are refused by name
           found = await visit.console.store...  # also visit.site, .role, .moderator, .reviewing
           return visit.show("search.html", found=found)

       PAGES = (Page(path="/search", view=show_search, roles=OVERSEERS, nav=Nav(title=N_("Search"), order=20)),)

   Who may come is the row's `roles` (`visit.py` has the usual sets), what stands in the navigation its `nav`. The
   wrapper around every view (`routes.py`) has by then checked session, role, origin, token; errors that a view raises
   become pages of their own. Views that scripts ask by themselves say `is_background=True`: they keep nobody signed in.
2. One line in the table of `routes.py`: `*search.PAGES,`.
3. A template `templates/search.html` that extends `base.html` (blocks: title, head, tools, main_class, main).
   Everything is escaped. No inline script, style or handler: the content security policy forbids them. A form that
   changes something is `method="post"`, holds `{{ csrf() }}`, and its view answers `visit.go(…)` (303), so that it
   works without scripts.
4. Styles and scripts in `static/search.{css,js}`, asked for in the block head by `{{ asset('search.css') }}`. Whatever
   lies in `static/` is served; nothing else is. Scripts import from `./base.js`: `t` and `tn` (texts), `ask` (JSON from
   us, with the token), `fragment` (a part of a page as our server renders it), `element`, `announce`, `toast`. Text
   from readers is only ever `textContent`.
5. What it says, in English where it is said: `{{ _("…") }}`, `N_("…")`, `t("…")`. The other languages in
   `locale/<language>/search.po`; `tests/service/console/test_texts.py` names what a language lacks.

Answers for scripts are `visit.answer(struct)`; whoever sends `Accept: application/json` gets errors as problems
(RFC 9457). What two rooms need is told below both: `service/cases/reviewing.py` has the moderators' story,
`service/cases/answers.py` what is shown of a comment and what must not be.
"""
