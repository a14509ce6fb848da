from __future__ import annotations

import sqlite3

import pytest
from argon2 import PasswordHasher

from perdure.errors import ConfigError, StoreError
from perdure.store.accounts import SESSION_S, Accounts, User

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery"


@pytest.fixture
def accounts(tmp_path):
    with Accounts(tmp_path / "accounts.db", QUICK) as opened:
        yield opened


def test_the_right_password_opens_and_others_do_not(accounts):
    assert accounts.is_empty()
    ann = accounts.add_user(0.0, "ann", "operator", PASSWORD, ["door"])
    assert accounts.verify("ann", PASSWORD) == ann
    assert accounts.verify("ann", PASSWORD + "x") is None
    assert accounts.verify("bob", PASSWORD) is None
    assert not accounts.is_empty()


def test_nothing_that_was_given_out_is_in_the_file(tmp_path):
    with Accounts(tmp_path / "a.db", QUICK) as accounts:
        ann = accounts.add_user(0.0, "ann", "admin", PASSWORD)
        cookie, _ = accounts.begin_session(0.0, ann)
        key, _ = accounts.add_token(0.0, ann, "home assistant")
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (PASSWORD, cookie, key):
        assert secret.encode() not in content
    assert b"$argon2id$" in content


def test_a_session_lasts_from_its_last_use(accounts):
    ann = accounts.add_user(0.0, "ann", "viewer", PASSWORD)
    cookie, session = accounts.begin_session(0.0, ann)
    assert accounts.session(SESSION_S - 1, cookie) == session
    assert accounts.session(2 * SESSION_S - 2, cookie) == session
    assert accounts.session(4 * SESSION_S, cookie) is None
    assert accounts.session(1.0, "made up") is None


def test_logging_out_and_a_new_password_end_sessions(accounts):
    ann = accounts.add_user(0.0, "ann", "viewer", PASSWORD)
    first, _ = accounts.begin_session(0.0, ann)
    second, _ = accounts.begin_session(0.0, ann)
    accounts.end_session(first)
    assert accounts.session(1.0, first) is None
    assert accounts.session(1.0, second) is not None
    accounts.set_password("ann", "something else entirely")
    assert accounts.session(1.0, second) is None
    assert accounts.verify("ann", PASSWORD) is None


def test_keys_expire_and_can_be_taken_back(accounts):
    ann = accounts.add_user(0.0, "ann", "viewer", PASSWORD)
    lasting, kept = accounts.add_token(0.0, ann, "backup")
    short, _ = accounts.add_token(0.0, ann, "trial", expires=10.0)
    assert accounts.by_token(5.0, short) == accounts.by_token(5.0, lasting) == ann
    assert accounts.by_token(11.0, short) is None
    assert accounts.remove_token(kept.id)
    assert not accounts.remove_token(kept.id)
    assert accounts.by_token(5.0, lasting) is None
    assert [token.label for token in accounts.tokens("ann")] == ["trial"]


def test_a_user_goes_with_everything(accounts):
    accounts.add_user(0.0, "root", "admin", PASSWORD)
    ann = accounts.add_user(0.0, "ann", "viewer", PASSWORD)
    cookie, _ = accounts.begin_session(0.0, ann)
    key, _ = accounts.add_token(0.0, ann, "x")
    accounts.remove_user("ann")
    assert accounts.session(1.0, cookie) is None
    assert accounts.by_token(1.0, key) is None
    assert [user.name for user in accounts.users()] == ["root"]
    with pytest.raises(ConfigError, match="last admin"):
        accounts.remove_user("root")


@pytest.mark.parametrize(
    ("name", "role", "password", "said"),
    [
        ("", "viewer", PASSWORD, "1 to 64"),
        (" ann", "viewer", PASSWORD, "1 to 64"),
        ("a\x00", "viewer", PASSWORD, "1 to 64"),
        ("ann", "king", PASSWORD, "no role 'king'"),
        ("ann", "viewer", "short", "at least 10"),
        ("ann", "viewer", "x" * 2000, "at most"),
        ("taken", "viewer", PASSWORD, "already"),
    ],
)
def test_what_is_no_account_is_said(accounts, name, role, password, said):
    accounts.add_user(0.0, "taken", "viewer", PASSWORD)
    with pytest.raises(ConfigError, match=said):
        accounts.add_user(0.0, name, role, password)
    with pytest.raises(ConfigError, match="no user"):
        accounts.set_password("nobody", PASSWORD)
    with pytest.raises(ConfigError, match="no user"):
        accounts.remove_user("nobody")


def test_roles_are_ordered_and_cameras_may_be_few():
    assert User("a", "admin").may("operator")
    assert not User("a", "viewer").may("operator")
    assert User("a", "viewer").sees("any")
    assert not User("a", "viewer", ("door",)).sees("yard")


def test_who_looked_at_whom_is_kept_newest_first(accounts):
    for number in range(5):
        accounts.note(float(number), "ann", "looked at", f"P{number}")
    assert [note.subject for note in accounts.noted(limit=2)] == ["P4", "P3"]
    oldest = accounts.noted(limit=2)[-1].id
    assert [note.subject for note in accounts.noted(before=oldest)] == ["P2", "P1", "P0"]


def test_a_file_that_is_no_database_is_said(tmp_path):
    (tmp_path / "a.db").write_text("these are not the accounts you are looking for" * 100)
    with pytest.raises(StoreError, match=r"a\.db"):
        Accounts(tmp_path / "a.db")


def test_an_account_outlives_the_process(tmp_path):
    with Accounts(tmp_path / "a.db", QUICK) as accounts:
        accounts.add_user(0.0, "ann", "admin", PASSWORD)
    with Accounts(tmp_path / "a.db", QUICK) as accounts:
        assert accounts.verify("ann", PASSWORD) == User("ann", "admin")
    with sqlite3.connect(tmp_path / "a.db") as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
