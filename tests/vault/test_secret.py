import copy
import json
import pickle

import pytest

from vault.secret import Secret

SECRET = Secret("canary")


def test_r09_a_secret_does_not_print():
    assert "canary" not in f"{SECRET} {SECRET!r} {SECRET:>20} {[SECRET]} {vars(type(SECRET))}"
    assert "canary" not in str(ValueError(SECRET))
    assert not hasattr(SECRET, "__dict__")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_r09_a_secret_cannot_be_pickled(protocol: int):
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(SECRET, protocol)


def test_r09_a_secret_is_not_json():
    with pytest.raises(TypeError):
        json.dumps({"value": SECRET})


def test_a_secret_reveals_when_asked():
    assert SECRET.reveal() == "canary"


def test_secrets_compare_by_text_and_hash_alike():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert hash(Secret("a")) == hash(Secret("b"))
    assert Secret("\ud800") == Secret("\ud800")


def test_a_secret_does_not_change_and_copies_as_itself():
    with pytest.raises(AttributeError):
        SECRET._text = "other"
    assert copy.deepcopy(SECRET) is SECRET
