import pytest

from cloud import Cloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory):
    """One Cloudling for all tests of this process; tests keep apart by account."""
    running = Cloud(tmp_path_factory.mktemp("cloud") / "data")
    yield running
    assert running.process.poll() is None, f"the server died during the tests:\n{running.output()}"
    assert running.stop() == 0, running.output()
    assert "panicked at" not in running.output()


@pytest.fixture
def account(cloud):
    return cloud.account()


@pytest.fixture
def own_cloud(tmp_path):
    """A Cloudling the test may stop, kill or empty."""
    running = Cloud(tmp_path / "data")
    yield running
    running.stop()
