"""What a client's card says of a refusal, and for how long."""

from playwright.sync_api import expect

from tests.cli.console.conftest import Console


def test_a_client_that_breaks_a_rule_is_told_which(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.publish("rooms/+/x")
    expect(console.a.refusal).to_contain_text("Disconnected: the client broke MQTT's rules or IoT Core's limits")
    expect(console.a.refusal).to_contain_text("wildcards in it [MQTT-3.3.2-2]")


def test_a_refusal_goes_with_the_clients_next_action(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.subscribe("rooms/attic/#")
    expect(console.a.refusal).to_contain_text("Refused subscribe rooms/attic/#")
    console.a.publish("rooms/lobby/say/ann")
    expect(console.a.refusal).to_be_hidden()


def test_a_client_id_that_is_not_granted_is_explained_by_its_entries(console: Console) -> None:
    console.a.fill("Client ID", "eve")
    console.a.press("Connect")
    expect(console.a.refusal).to_contain_text("client_id_not_granted")
    expect(console.a.refusal).to_contain_text('grant "inbox", connect = "{principal}" is for another principal')


def test_a_refused_connects_row_is_explained_by_the_entries_once(console: Console) -> None:
    console.a.fill("Client ID", "eve/row")
    console.a.press("Connect")
    row = console.decisions.filter(has_text="eve/row")
    row.get_by_role("button").click()
    expect(row.locator(".explanation")).to_contain_text('connect = "{principal}/*" is for another principal')
    expect(row.locator(".explanation")).to_have_count(1)


def test_an_expired_tokens_row_says_nothing_of_the_policy(console: Console) -> None:
    console.a.root.get_by_label("Token lives").select_option("expired")
    console.a.press("Connect")
    row = console.decisions.filter(has_text="expired: exp is past").filter(has_text=console.a.client_id)
    row.get_by_role("button").click()
    expect(row.locator(".explanation")).to_contain_text("Refused connect")
    expect(row.locator(".explanation")).to_have_count(1)


def test_a_claim_that_fits_no_topic_is_named(console: Console) -> None:
    console.a.fill("Claims, a JSON object", '{"rooms": ["lobby/+"]}')
    console.a.press("Connect")
    expect(console.a.refusal).to_contain_text("detail names its claim, never the value (claims.rooms")
    row = console.decisions.filter(has_text="unsafe_value").first
    expect(row).to_contain_text("detail names its claim, never the value (claims.rooms")
