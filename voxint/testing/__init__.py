"""What tests of voxint and of its providers stand on."""
