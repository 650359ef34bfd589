from conformance.exchange import Exchange
from conformance.suites import requirement


@requirement("LIST-001")
def test_the_list_is_an_object_with_an_array(models: Exchange) -> None:
    assert models.status == 200, models.seen
