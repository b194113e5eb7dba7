"""Templates as people write them."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.templates import Dialect, Ports, ProblemKind, TemplateError, compile_template
from waddlebot.libs.templates.ports import Fetched
from waddlebot.libs.templates.syntax import NESTING_MAX, TEXT_MAX, VARIABLES_MAX
from waddlebot.libs.templates.template import RESULT_MAX
from waddlebot.libs.templates.tests.world import World, scope

# Dialect, template, text after the command, result. Those with services are in `ASKING`.
PLAIN = [
    ("native", "{user} hugs {args}!", "the whole chat", "Bob hugs the whole chat!"),
    ("native", "{arg1}-{arg2}-{arg3}-{all_args}", "a b", "a-b--a b"),
    ("native", "{1} {2:} {2:3} {1.word}", "a b c d", "a b c d b c a"),
    ("native", "{arg1|nobody} {arg9|nobody} {arg9|user} {arg9|'a b'}", "Ann", "Ann nobody Bob a b"),
    ("native", "{channel} {platform} {command} {touser} {level}", "", "night twitch !test Bob subscriber"),
    ("native", "{ user } {USER} {nope} {} { } {user", "", "Bob Bob {nope} {} { } {user"),
    ("native", '{"json": {"a": [1, {user}]}}', "", '{"json": {"a": [1, Bob]}}'),
    ("native", "{repeat 3 {arg1}} {math {arg2} * 2}", "hey 21", "hey hey hey 42"),
    ("nightbot", "/me hugs $(touser)", "@Ann", "/me hugs @Ann"),
    ("nightbot", "/me hugs $(touser)", "", "/me hugs Bob"),
    ("nightbot", "$(1) $(2) $(9) | $(query)", "a b", "a b  | a b"),
    (
        "nightbot",
        "http://lmgtfy.com/?q=$(querystring)",
        "a b&c'(d)/é",
        "http://lmgtfy.com/?q=a%20b%26c'(d)%2F%C3%A9",
    ),
    ("nightbot", "$(querystring $(user) & co)", "", "Bob%20%26%20co"),
    (
        "nightbot",
        "$(user) $(userid) $(userlevel) $(channel) $(channelid) $(provider)",
        "",
        "Bob 42 subscriber night 11785491 twitch",
    ),
    (
        "nightbot",
        "$(user.name) ${user} {user} $(1|sender) \\$(user)",
        "x",
        "$(user.name) ${user} {user} $(1|sender) \\Bob",
    ),
    (
        "nightbot",
        '$(time US/Eastern "MMMM Do YYYY, h:mm:ss a z [GMT]Z")',
        "",
        "March 14th 2026, 11:09:26 am EDT GMT-04:00",
    ),
    ("nightbot", "$(time US/Eastern)", "", "March 14th 2026, 11:09:26 am EDT GMT-04:00"),
    ("nightbot", '$(time US/Arizona "LTS")', "", "8:09:26 AM"),
    (
        "nightbot",
        "Christmas: $(countdown Dec 25 2026 12:00:00 AM EST)",
        "",
        "Christmas: 9 months 10 days 13 hours 50 minutes 34 seconds",
    ),
    ("nightbot", "$(countdown 5:00:00 PM EST)", "", "5 hours 50 minutes 34 seconds"),
    (
        "nightbot",
        "$(countup Dec 25 2014 12:00:00 AM EST)",
        "",
        "11 years 2 months 17 days 10 hours 9 minutes 26 seconds",
    ),
    ("nightbot", "$(tweet Watch me & you)", "", "https://twitter.com/intent/tweet?text=Watch%20me%20%26%20you"),
    (
        "streamelements",
        "${sender} $(user) ${source} $(user.name) $(user.level) $(user.name @Ann)",
        "",
        "Bob Bob Bob bob 250 ann",
    ),
    ("streamelements", "${1} $(2) ${1:} $(2:) ${3}", "a b c", "a b a b c b c c"),
    (
        "streamelements",
        "$(1|sender) $(9|sender) ${3:|Quem ganha esse mapa?} ${9|'0 seconds'}",
        "a",
        "a Bob Quem ganha esse mapa? 0 seconds",
    ),
    ("streamelements", "${queryescape ${1:|' '}}/${pathescape ${1:}}", "a b/c", "a+b%2Fc/a%20b%2Fc"),
    (
        "streamelements",
        "$(channel) $(channel.display_name) $(channel.alias) $(channel.provider) $(channel.provider_id)",
        "",
        "night Night nightly twitch 11785491",
    ),
    ("streamelements", "$(random.pick ':)' ':(' ) ${random.pick 'a b' \"a b\"}", "", ":) a b"),
    ("streamelements", "${random.5-5} $(random 7-7) $(random.number 9-9)", "", "5 7 9"),
    ("streamelements", "$(math 2 ^ 10 + $(1))", "1", "1025"),
    ("streamelements", "$(math ${1:})", "2*(3+4)", "14"),
    (
        "streamelements",
        "$(time.Europe/Berlin) $(time.UTC) $(time.until 20:00)",
        "",
        "16:09 15:09 4 hours 50 minutes 34 seconds",
    ),
    ("streamelements", '$(repeat 3 "x ")$(repeat 2 $(1))', "y", "x x x y y"),
    ("streamelements", "$(msgid) don't ${user}, (it's ${1})", "5", "m-1 don't Bob, (it's 5)"),
    ("streamelements", "$(1.emote) $(1.word) $(2.word)", "Kappa hi there", "Kappa hi there"),
]

ASKING = [
    (
        "nightbot",
        'Stream uptime: $(twitch $(channel) "{{uptimeLength}}")',
        "",
        "Stream uptime: 4 hours 3 minutes 50 seconds",
    ),
    (
        "nightbot",
        '$(twitch night "{{displayName}} has {{followers}} followers")',
        "",
        "Night has 14,359 followers",
    ),
    (
        "nightbot",
        '/me @$(twitch $(touser) "{{displayName}}") estava jogando $(twitch $(touser) "{{game}}")',
        "@Away",
        "/me @Away estava jogando Chess",
    ),
    ("nightbot", "$(twitch $(query) {{url}})", "night", "https://twitch.tv/night"),
    (
        "nightbot",
        '$(twitch away "{{viewers}} {{uptimeLength}} {{status}} {{title}} {{subscriberCount}}")',
        "",
        "not live not live offline unknown unknown",
    ),
    ("nightbot", '$(twitch nobody "{{game}} {{followers}}")', "", "unknown unknown"),
    (
        "nightbot",
        '$(twitch night "{{createdAt}} {{tags}} {{resolution}}@{{fps}} {{odd}} {{{title}}}")',
        "",
        "Sun Jan 02 2011 03:04:05 GMT+0000 (UTC) English, Speedrun 720p@60 {{odd}} Any% tonight",
    ),
    (
        "nightbot",
        "/me hugged $(touser) ($(count) hugs have been given)",
        "Ann",
        "/me hugged Ann (1 hugs have been given)",
    ),
    ("nightbot", "$(urlfetch https://api/a?u=$(querystring)&x=1)", "a b", "[a b]"),
    (
        "nightbot",
        "$(customapi https://api/404) $(urlfetch https://api/down)",
        "",
        "Remote Server Returned Code 404 Error Connecting To Remote Server",
    ),
    ("nightbot", "$(urlfetch https://api/long)", "", "x" * 400),
    ("streamelements", "${customapi.https://api/a?u=${pathescape ${1:}}&x=1}", "a b", "[a b]"),
    (
        "streamelements",
        "$(urlfetch https://api/404) ${customapi https://api/204}",
        "",
        "Unable to make request Unable to make request",
    ),
    (
        "streamelements",
        "$(title) - $(game) - $(game away) - $(uptime) - $(channel.viewers) $(channel.subpoints)",
        "",
        "Any% tonight - Celeste - Chess - 4 hours 3 minutes 50 seconds - 64 1,250",
    ),
    (
        "streamelements",
        "$(count) $(count) $(count deaths +5) $(count deaths -2) $(getcount deaths) $(count deaths 0)",
        "",
        "1 2 5 3 3 0",
    ),
    ("streamelements", "$(count two words +1) $(getcount two words) $(getcount)", "", "1 1 0"),
    (
        "streamelements",
        "$(user.points) $(pointsname), no. $(user.points_rank), ${user.time_online|'0 seconds'}",
        "",
        "1200 fish, no. 3, 2 hours 1 minute",
    ),
    (
        "streamelements",
        "$(user.lastseen @BOB) $(user.points nobody)",
        "",
        "1 day 15 hours 9 minutes 26 seconds ago unknown",
    ),
    ("streamelements", "$(quote 2) $(quote)", "", "Second. Second."),
    ("streamelements", "$(settitle ${1:})$(setgame Chess)", "New title", "Title set.Game set."),
    (
        "streamelements",
        "$(7tvemotes) $(twitchemotes) $(random.emote) $(channel.chatters)",
        "",
        "7tvDuck Kappa PogChamp Kappa 3",
    ),
    ("streamelements", "$(ai is ${1} good)", "tea", "It is is tea good."),
    ("native", "{random.chatter} {game away} {count} {points}", "", "Ann Chess 1 1200"),
]


def world() -> World:
    made = World()
    made.pages |= {
        "https://api/a?u=a%20b&x=1": Fetched(200, " [a\nb] "),
        "https://api/404": Fetched(404, "gone"),
        "https://api/204": Fetched(204, ""),
        "https://api/long": Fetched(200, "x" * 900),
    }
    return made


@pytest.mark.parametrize(("dialect", "text", "said", "result"), PLAIN)
async def test_plain(dialect: Dialect, text: str, said: str, result: str) -> None:
    template = compile_template(text, dialect)
    assert template.needs == frozenset()
    assert template.render(scope(said)) == result
    assert await template.render_async(scope(said)) == result


@pytest.mark.parametrize(("dialect", "text", "said", "result"), ASKING)
async def test_asking(dialect: Dialect, text: str, said: str, result: str) -> None:
    template = compile_template(text, dialect)
    assert template.needs
    assert await template.render_async(scope(said, world=world())) == result
    with pytest.raises(RuntimeError, match="render_async"):
        template.render(scope(said))


PROGRAMS = [
    ("$(eval Math.floor((Math.random() * 100) + 1))", "", "Math.floor((Math.random() * 100) + 1)"),
    (
        '$(eval "$(touser)".toLowerCase())',
        '";alert(1)//',
        '"\\u0022\\u003balert\\u00281\\u0029\\u002f\\u002f".toLowerCase()',
    ),
    ("$(eval $(query))", "1;while(1){}", '"1\\u003bwhile\\u00281\\u0029\\u007b\\u007d"'),
    ("$(eval $(1) + $(2) * $(3))", "2 -3 x", '2 + (-3) * "x"'),
    ("$(eval $(urlfetch json https://api/js); go('$(query)'))", "it's", "function go(q){}; go('it\\u0027s')"),
    (
        "$(eval a='$(urlfetch json https://api/js)'.split('x'))",
        "",
        "a='function go\\u0028q\\u0029\\u007b\\u007d'.split('x')",
    ),
    ("$(eval $(urlfetch https://api/js))", "", '"function go\\u0028q\\u0029\\u007b\\u007d"'),
    ("$(eval q = `$(query)`; q ? ')' : \"(\")", "`${x}", "q = `\\u0060\\u0024\\u007bx\\u007d`; q ? ')' : \"(\""),
    ("$(eval 'Don\\'t $(user)')", "", "'Don\\'t Bob'"),
    ("$(eval `${api[1][0]} - ${api[3][0]}`)", "", "`${api[1][0]} - ${api[3][0]}`"),
    ("$(eval /$(1)/i.test('x'))", "a.*b", "/a\\u002e\\u002ab/i.test('x')"),
]


@pytest.mark.parametrize(("text", "said", "program"), PROGRAMS)
async def test_values_enter_programs_as_data(text: str, said: str, program: str) -> None:
    here = world()
    here.pages["https://api/js"] = Fetched(200, "function go(q){}")
    await compile_template(text, "nightbot").render_async(scope(said, world=here))
    assert [source for source, _ in here.programs] == [program]


async def test_raw_programs_are_reported() -> None:
    text = "$(eval $(urlfetch json https://x/a.js)('$(urlfetch json https://x/b)'))"
    (problem,) = compile_template(text, "nightbot").problems
    assert (problem.kind, problem.position) == (ProblemKind.RAW, 7)


def test_problems_tell_position_name_and_nearest() -> None:
    template = compile_template("Hi $(usr), $(wether x) $(weather x) $(time Mars) $(channel", "nightbot")
    found = [(problem.position, problem.kind, problem.name, problem.nearest) for problem in template.problems]
    assert found == [
        (3, "unknown", "usr", "user"),
        (11, "unknown", "wether", ""),
        (23, "unavailable", "weather", ""),
        (36, "value", "time", ""),
        (49, "unclosed", "$(channel", ""),
    ]
    assert template.render(scope()) == (
        "Hi $(usr), $(wether x) $(weather x) "
        "This is not a time zone: write one such as Europe/Berlin or UTC. $(channel"
    )


@pytest.mark.parametrize(
    ("dialect", "text"),
    [("streamelements", "$(user.points)"), ("streamelements", "$(quote)"), ("nightbot", "$(eval 1 + $(user))")],
)
async def test_what_is_not_installed_stays_literal(dialect: Dialect, text: str) -> None:
    template = compile_template(text, dialect, available=Ports().available)
    assert [problem.kind for problem in template.problems] == [ProblemKind.MISSING]
    assert template.render(scope(ports=Ports())) == text.replace("$(user)", "Bob")
    assert "waddlebot[javascript]" in template.problems[0].advice or dialect != "nightbot"
    complete = compile_template(text, dialect)
    with pytest.raises(RuntimeError, match="needs the service"):
        await complete.render_async(scope(ports=Ports()))


def test_values_of_a_caller_shadow_the_catalogue() -> None:
    template = compile_template("Go and follow {name}! (no. {count}) {user}", names=frozenset({"name", "count"}))
    assert template.render(scope(values={"name": "{user}", "count": 5})) == "Go and follow {user}! (no. 5) Bob"


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize(
    "value", ["$(user)", "${user}", "{user}", "{{game}}", '" {{game}}', "$(eval 1)", "'a b' c"]
)
async def test_values_are_never_read_again(dialect: Dialect, value: str) -> None:
    said = scope(value, args=[value])
    whole = {"native": "{arg1}", "nightbot": "$(1)", "streamelements": "${1}"}[dialect]
    assert compile_template(f"<{whole}>", dialect).render(said) == f"<{value}>"
    nested = {"native": "{repeat 1 {arg1}}", "streamelements": "$(repeat 1 $(1))"}.get(dialect)
    if nested is not None:
        assert compile_template(nested, dialect).render(said) == value
    form = compile_template('$(twitch night "$(1) {{game}}")', "nightbot")
    assert await form.render_async(said) == f"{value} Celeste"


async def test_chance_is_the_scopes() -> None:
    template = compile_template("$(random) $(random.pick a b c) $(random.chatter)", "streamelements")
    results = {await template.render_async(scope(seed=5)) for _ in range(5)}
    assert len(results) == 1
    assert len({await template.render_async(scope(seed=seed)) for seed in range(20)}) > 10


async def test_headers_tell_who_asked_only_when_allowed() -> None:
    template = compile_template("$(urlfetch https://api/404)", "nightbot")
    here = world()
    await template.render_async(scope(world=here))
    await template.render_async(scope(world=here, tell_identity=True, response_url="https://we/r"))
    (_, silent), (_, telling) = here.asked
    assert silent == {}
    assert telling == {
        "Nightbot-User": "name=bob&displayName=Bob&provider=twitch&providerId=42&userLevel=subscriber",
        "Nightbot-Channel": "name=night&displayName=Night&provider=twitch&providerId=11785491",
        "Nightbot-Response-Url": "https://we/r",
    }


def test_results_are_bounded() -> None:
    text = "{repeat 50 {repeat 50 {repeat 50 {args}}}}" * 4
    assert len(compile_template(text).render(scope("x" * 500))) == RESULT_MAX


@pytest.mark.parametrize(
    "text",
    ["x" * (TEXT_MAX + 1), "$(" * (NESTING_MAX + 1), "$(user)" * (VARIABLES_MAX + 1)],
    ids=["long", "deep", "many"],
)
def test_limits_say_where_and_what(text: str) -> None:
    with pytest.raises(TemplateError, match=r"At character .*at most") as caught:
        compile_template(text, "nightbot")
    assert caught.value.position >= 0


TEXT = st.text(max_size=200)
SYNTAX = st.lists(
    st.sampled_from(
        ["$(", "${", "{", ")", "}", "(", '"', "'", "`", "|", " ", "user", "eval ", "1:", "\\", "x", "{{a}}", "."]
    )
).map("".join)


@given(TEXT | SYNTAX, st.sampled_from(list(Dialect)))
async def test_any_text_compiles_or_says_why(text: str, dialect: Dialect) -> None:
    with contextlib.suppress(TemplateError):
        await compile_template(text, dialect).render_async(scope("a b"))
        compile_template(text, dialect, available=frozenset()).render(scope("a b"))


# The shapes of commands found in public repositories, with other names and hosts.
IN_THE_WILD = [
    ("nightbot", "$(eval boom(); $(urlfetch json https://raw.example.com/me/it/master/boom.js);)"),
    ("nightbot", '$(eval meme("$(urlfetch json https://docs.example.com/d/1x/export?format=tsv&id=1x)"); 1)'),
    (
        "nightbot",
        "$(eval let who='$(query)'; let him='$(twitch $(query) \"{{displayName}}\")'; $(urlfetch json https://x.example/so.js))",
    ),
    (
        "nightbot",
        "$(touser), $(eval $(urlfetch json https://x.example/s.js)('$(twitch $(channel) \"{{uptimeAt}}\")',"
        "\"$(querystring $(urlfetch json https://api.example/na/n/t))\", 'N')) | $(customapi https://api.example/r?show=x)",
    ),
    (
        "nightbot",
        "$(eval const a = $(urlfetch json https://w.example/api.php?search=$(querystring)); a.error || !a[1][0] ?"
        " 'Please add a query' : `${a[1][0]} - ${a[3][0]}`)",
    ),
    (
        "nightbot",
        '$(customapi https://x.example/?status=$(twitch $(channel) "{{status}}")&channel=$(channel)&n=$(1))',
    ),
    ("nightbot", '$(tweet Come watch @me play $(twitch $(channel) "{{game}} on Twitch! {{url}}"))'),
    (
        "nightbot",
        "$(eval const r = ['Yes!', 'Don\\'t count on it.', ':)']; r[Math.floor(Math.random() * r.length)];)",
    ),
    (
        "nightbot",
        "WR: $(eval let t=$(urlfetch json https://s.example/api?top=1&embed=p).data;let d=new Date(null);"
        "d.toISOString().slice(11,19).match(/(?!0:)\\d.*/)[0])",
    ),
    ("streamelements", "@${touser}, ${customapi.https://x.example:8443/weather/${pathescape ${1:}}}"),
    (
        "streamelements",
        "${customapi.https://x.example/prediction?o1=${1}&o2=${2}&q=${queryescape ${3:|Who wins this map?}}}",
    ),
    (
        "streamelements",
        "${customapi.https://x.example/pb/${channel}/${1|nogame}/${pathescape ${2|noboard}}/${queryescape ${4:}}}",
    ),
    ("streamelements", "${customapi.https://x.example?sender=${sender}&user=${user}&type=boop&jokes=false}"),
    ("streamelements", "$(user) gave $(random.chatter) $(random.1-100) cookies! <3 ${count hugs}"),
    (
        "streamelements",
        "${user} has spent ${user.time_online|'0 seconds'} watching ${channel}, ${channel.alias}/tip",
    ),
    ("streamelements", "Go see @${user.name ${1}}, who played ${game ${1}}. https://twitch.tv/${user.name ${1}}"),
]


@pytest.mark.parametrize(("dialect", "text"), IN_THE_WILD)
async def test_shapes_in_the_wild_have_no_problems(dialect: Dialect, text: str) -> None:
    template = compile_template(text, dialect)
    assert {problem.kind for problem in template.problems} <= {ProblemKind.RAW}
    here = world()
    rendered = await template.render_async(scope("Ann b c d", world=here))
    assert not {"$(", "{{"} & {rendered[at : at + 2] for at in range(len(rendered))}
    assert not any("$(" in url for url, _ in here.asked)


@given(st.text(alphabet=st.characters(exclude_characters="{"), max_size=200), st.sampled_from(list(Dialect)))
def test_text_without_variables_is_itself(text: str, dialect: Dialect) -> None:
    text = text.replace("$(", "$ (")
    assert compile_template(text, dialect).render(scope()) == text


@given(SYNTAX.map(lambda text: text.replace("user", "wxyz").replace("1:", "!").replace("eval", "wxyz")))
def test_unknown_names_are_themselves(text: str) -> None:
    try:
        template = compile_template(text, "streamelements")
    except TemplateError:
        return
    assert template.render(scope("a b")) == text


@given(TEXT | SYNTAX, st.sampled_from(list(Dialect)))
def test_any_value_appears_as_it_is(value: str, dialect: Dialect) -> None:
    opener, closer = ("{", "}") if dialect is Dialect.NATIVE else ("$(", ")")
    template = compile_template(f"a {opener}1{closer} b {opener}user{closer} c", dialect)
    assert template.render(scope(args=[value])) == f"a {value} b Bob c"


def test_time_grows_with_length_only() -> None:
    def seconds(text: str) -> float:
        started = time.perf_counter()
        for dialect in Dialect:
            with contextlib.suppress(TemplateError):
                compile_template(text, dialect)
        return time.perf_counter() - started

    for piece in ["$(", "' ", "\"'", "$(eval '", "(", "{", "$(user", "$(a ' ) ", "\\", "|", "{{a"]:
        half = TEXT_MAX // 2 // len(piece)
        short = min(seconds(piece * (half // 4)) for _ in range(5))
        long = min(seconds(piece * half) for _ in range(5))
        assert long < 4 * 6 * short + 0.01, piece
