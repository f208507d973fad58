"""How much memory is free in a container."""

from trainer.micro_batches import free_of_group


def test_pages_of_files_in_a_container_count_as_free(tmp_path):
    (tmp_path / "memory.max").write_text("8000000000\n")
    (tmp_path / "memory.current").write_text("7900000000\n")
    (tmp_path / "memory.stat").write_text(
        "anon 900000000\ninactive_file 6000000000\nactive_file 1000000000\n"
    )

    assert 7100.0 == free_of_group(tmp_path)
    (tmp_path / "memory.max").write_text("max\n")
    assert free_of_group(tmp_path) is None
    assert free_of_group(tmp_path / "nowhere") is None
